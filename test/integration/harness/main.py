"""Runs one test module with unittest and writes the JUnit file that Bazel reads."""

import importlib
import os
import sys
import time
import unittest
from xml.etree import ElementTree


class TimedResult(unittest.TextTestResult):
    """Keeps a row (test, seconds, outcome, details) per case."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rows = []
        self._started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()
        self.stream.writeln()
        self.stream.flush()

    def _row(self, test, outcome, details=""):
        self.rows.append((test, time.monotonic() - self._started, outcome, details))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._row(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._row(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._row(test, "error", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        """A case whose part failed gets no other call. One row each, whatever number of parts."""
        super().addSubTest(test, subtest, err)
        if err is None:
            return
        details = self._exc_info_to_string(err, subtest)
        if self.rows and self.rows[-1][0] is test:
            details = self.rows.pop()[3] + "\n" + details
        self._row(test, "failure", details)

    def addSkip(self, test, reason):
        # Nothing is skipped silently: a missing program is a failure of the set-up.
        self.addFailure(test, (AssertionError, AssertionError("skipped: " + reason), None))


def write_junit(path, name, rows):
    bad = sum(1 for row in rows if row[2] != "passed")
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites, "testsuite", name=name, tests=str(len(rows)), failures=str(bad), errors="0")
    for test, seconds, outcome, details in rows:
        parts = test.id().split(".")
        case = ElementTree.SubElement(
            suite, "testcase", classname=".".join(parts[:-1]), name=parts[-1],
            time="%.3f" % seconds)
        if outcome != "passed":
            ElementTree.SubElement(case, "failure", message=outcome).text = details
    ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def main():
    name = sys.argv[1]
    loader = unittest.TestLoader()
    if "-k" in sys.argv:
        loader.testNamePatterns = ["*%s*" % sys.argv[sys.argv.index("-k") + 1]]
    suite = loader.loadTestsFromModule(importlib.import_module(name))
    runner = unittest.TextTestRunner(verbosity=2, resultclass=TimedResult)
    result = runner.run(suite)
    path = os.environ.get("XML_OUTPUT_FILE")
    if path:
        write_junit(path, name, result.rows)
    if not result.rows:
        print("no test case ran", file=sys.stderr)
        sys.exit(1)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
