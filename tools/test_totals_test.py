"""Tests of test_totals.py, on made-up runs."""

import os
import tempfile
import unittest

import test_totals


class CountTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def xml(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def result(self, label, path=None, status="PASSED", **key):
        output = [{"name": "test.xml", "uri": "file://" + path}] if path else []
        return {"id": {"testResult": {"label": label, **key}},
                "testResult": {"status": status, "testActionOutput": output}}

    def test_counts_cases_of_all_kinds(self):
        path = self.xml("a b.xml", """<testsuites><testsuite name="A">
            <testcase name="good" classname="A" result="completed"/>
            <testcase name="bad" classname="A"><failure message="x"/></testcase>
            <testcase name="broken" classname="A"><error message="x"/></testcase>
            <testcase name="later" classname="A" result="skipped"/>
            </testsuite></testsuites>""")
        totals = test_totals.count([self.result("//a", path.replace(" ", "%20"), "FAILED")])
        self.assertEqual(totals.passed, 1)
        self.assertEqual(totals.failed, ["//a: A.bad", "//a: A.broken"])
        self.assertEqual(totals.skipped, ["//a: A.later"])

    def test_a_program_that_died_counts_once(self):
        totals = test_totals.count([self.result("//a", None, "TIMEOUT")])
        self.assertEqual(totals.failed, ["//a: TIMEOUT"])

    def test_all_cases_passed_but_the_program_failed(self):
        path = self.xml("a.xml", '<testsuite><testcase name="good" classname="A"/></testsuite>')
        totals = test_totals.count([self.result("//a", path, "FAILED")])
        self.assertEqual(totals.passed, 1)
        self.assertEqual(totals.failed, ["//a: FAILED"])

    def test_unreadable_results_fail(self):
        totals = test_totals.count([self.result("//a", self.xml("a.xml", "<oops"))])
        self.assertEqual(len(totals.failed), 1)

    def test_the_last_attempt_counts_and_shards_add_up(self):
        bad = self.xml("bad.xml", '<testcase name="x"><failure/></testcase>')
        good = self.xml("good.xml", '<testcase name="x"/>')
        totals = test_totals.count([
            self.result("//a", bad, "FAILED", attempt=1), self.result("//a", good, attempt=2),
            self.result("//b", good, shard=1), self.result("//b", good, shard=2)])
        self.assertEqual((totals.passed, totals.failed), (3, []))

    def test_a_target_that_was_not_built_fails(self):
        totals = test_totals.count([
            {"id": {"targetCompleted": {"label": "//a"}}, "completed": {"success": True}},
            {"id": {"targetCompleted": {"label": "//b"}}, "completed": {}},
            {"id": {"targetCompleted": {"label": "//c"}}, "aborted": {"reason": "ANALYSIS_FAILURE"}}])
        self.assertEqual(totals.failed, ["//b: was not built", "//c: was not built"])

    def test_an_interrupted_run_is_read_as_far_as_it_goes(self):
        path = self.xml("events", '{"id": {}}\n{"id"')
        self.assertEqual(len(list(test_totals.read_events(path))), 1)


if __name__ == "__main__":
    unittest.main()
