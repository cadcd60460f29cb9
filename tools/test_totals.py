"""Counts the test cases of one `bazel test` run.

Reads the build events that bazel wrote (--build_event_json_file) and the JUnit files they name, so
that results of earlier runs do not count. A test program that could not be built, timed out or died
before it wrote its results counts as one failed case. Prints what failed, what was skipped, and as
its last line "N passed, N failed".

Exit code: 0 when something passed and nothing failed and bazel itself succeeded; otherwise 1.
"""

import argparse
import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

NO_TESTS_FOUND = 4  # bazel's exit code for that


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_file(self, label, path):
        """Adds the cases of one JUnit file. Returns how many failed in it."""
        failed_before = len(self.failed)
        try:
            root = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError) as error:
            self.failed.append(f"{label}: unreadable results: {error}")
            return 1
        for case in root.iter("testcase"):
            name = ".".join(filter(None, [case.get("classname"), case.get("name")]))
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.append(f"{label}: {name}")
            elif case.get("result") in ("skipped", "suppressed") or case.get("status") == "notrun":
                self.skipped.append(f"{label}: {name}")
            else:
                self.passed += 1
        return len(self.failed) - failed_before


def read_events(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return  # the run was interrupted in the middle of a line


def count(events):
    totals = Totals()
    last_attempt = {}  # (label, shard, run) -> event; a retried test counts once
    for event in events:
        ident = event.get("id", {})
        if "testResult" in ident and "testResult" in event:
            key = ident["testResult"]
            last_attempt[(key["label"], key.get("shard", 0), key.get("run", 0))] = event["testResult"]
        elif "targetCompleted" in ident and not event.get("completed", {}).get("success"):
            if "aborted" in event or "completed" in event:
                totals.failed.append(f"{ident['targetCompleted']['label']}: was not built")
    for (label, _, _), result in sorted(last_attempt.items()):
        failed = 0
        for output in result.get("testActionOutput", []):
            if output.get("name") == "test.xml":
                path = urllib.parse.unquote(urllib.parse.urlparse(output.get("uri", "")).path)
                failed += totals.add_file(label, path)
        if result.get("status") != "PASSED" and failed == 0:
            totals.failed.append(f"{label}: {result.get('status', 'no status')}")
    return totals


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("events")
    parser.add_argument("--bazel-status", type=int, required=True)
    arguments = parser.parse_args()
    totals = count(read_events(arguments.events))
    if arguments.bazel_status not in (0, NO_TESTS_FOUND) and not totals.failed:
        totals.failed.append(f"bazel ended with status {arguments.bazel_status}")
    for name in totals.failed:
        print("FAILED ", name)
    for name in totals.skipped:
        print("SKIPPED", name)
    if totals.skipped:
        print(f"{len(totals.skipped)} skipped")
    print(f"{totals.passed} passed, {len(totals.failed)} failed", flush=True)
    return 0 if totals.passed and not totals.failed else 1


if __name__ == "__main__":
    sys.exit(main())
