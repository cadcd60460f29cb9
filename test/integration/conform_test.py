"""`moat conform`: a sample of the conformance cases on the wire, against moat, and some against other stacks.

All of them are run on demand: `moat conform --dut moat,linux`.
"""

import collections
import json
import shutil
import tempfile
import unittest

from harness.container import binary
from harness.process import run, text

# Every so many-th case of a suite is run against moat: some 170 of 2,000, in about a minute on two CPUs. Of suites that
# are not named here, eight at most.
STRIDES = {
    "arp": 6, "ipv4": 5, "icmpv4": 5, "igmp": 6, "igmpv3": 13, "ipv6": 12, "ipv6-router": 12, "icmpv6": 9, "filtering": 5,
    "ndp": 20, "autoconf": 9, "path-mtu": 2, "mld": 9, "mldv2": 13, "udp": 8, "udp-v6": 8, "tcp-core": 31,
    "tcp-core-v6": 31, "tcp-advanced": 13, "tcp-advanced-v6": 13, "tcp-highperf": 8, "tcp-highperf-v6": 8,
}
# Not in a sample: what waits for long.
SLOW = frozenset(["ipv6-097"])  # a minute, for a reassembly to time out

# The tester is tested by stacks that are not ours: what they pass, and what they are known to fail.
LINUX_PASSES = ["arp-001", "arp-015", "arp-016", "icmpv4-001", "icmpv4-026", "ipv4-016", "ipv4-033",
                "ipv6-001", "ipv6-router-001", "icmpv6-001", "ndp-001", "udp-001", "udp-v6-001",
                "tcp-core-001", "igmpv3-014", "mldv2-014"]
LINUX_FAILS = ["arp-040"]
LWIP_PASSES = ["arp-001", "arp-033", "icmpv4-001", "icmpv6-001", "udp-001", "udp-v6-001", "tcp-core-001",
               "tcp-core-v6-001"]
LWIP_FAILS = ["arp-043", "icmpv6-040", "udp-023"]
RUNSC_PASSES = ["arp-001", "icmpv4-001", "icmpv6-001", "udp-001", "udp-v6-001", "tcp-core-001"]
RUNSC_FAILS = ["arp-027", "arp-040"]

ATTEMPTS = 3  # more, of what was not as expected


def conform(*arguments, check=True):
    return run([binary("moat"), "conform"] + list(arguments), timeout=1200, check=check)


def report(stack, names, *arguments):
    done = conform("--json", "--jobs=8", "--dut=" + stack, *arguments, *["--case=" + name for name in names],
                   check=False)
    try:
        return json.loads(done.stdout)["results"]
    except ValueError:
        raise AssertionError("no JSON: %s %s" % (text(done.stdout), text(done.stderr))) from None


def patient_report(stack, names):
    """As report(), but what does not pass is run again, alone: cases judge real time, and a machine may be so busy, or
    stand still for so long, that an answer is late twice. What is wrong fails each time."""
    rows = report(stack, names)
    for _ in range(ATTEMPTS):
        missing = [row["id"] for row in rows if row["outcome"] not in ("pass", "waived")]
        if not missing:
            break
        again = {row["id"]: row for row in report(stack, missing, "--jobs=1", "--once")}
        rows = [again.get(row["id"], row) for row in rows]
    return rows


def cases_by_suite():
    cases = collections.defaultdict(list)
    for line in conform("--list").stdout.decode().splitlines():
        name = line.split()[0]
        cases[name.rpartition("-")[0]].append(name)
    return cases


CASES = cases_by_suite()


def sample(suite):
    names = CASES[suite]
    return [name for name in names[::STRIDES.get(suite, -(-len(names) // 8))] if name not in SLOW]


class OnTheWire(unittest.TestCase):
    """One method per suite is added below."""

    rows = None

    @classmethod
    def setUpClass(cls):
        names = [name for suite in CASES for name in sample(suite)]
        cls.rows = patient_report("moat", names)

    def test_strides_are_of_suites_that_exist(self):
        self.assertLessEqual(set(STRIDES), set(CASES))

    def judge(self, stack, passes, fails):
        rows = patient_report(stack, passes)
        self.assertEqual({row["id"]: row["outcome"] for row in rows}, dict((name, "pass") for name in passes),
                         [row["reason"] for row in rows])
        # What should not come may come too late to be noticed: once noticed is enough.
        unnoticed = fails
        for _ in range(1 + ATTEMPTS):
            rows = report(stack, unnoticed, "--once")
            unnoticed = [row["id"] for row in rows if row["outcome"] != "fail"]
            if not unnoticed:
                return
        self.fail("%s should fail: %s" % (stack, [(row["id"], row["outcome"], row["reason"]) for row in rows]))

    def test_linux_is_judged_rightly(self):
        self.judge("linux", LINUX_PASSES, LINUX_FAILS)

    def test_lwip_is_judged_rightly(self):
        self.judge("lwip", LWIP_PASSES, LWIP_FAILS)

    @unittest.skipUnless(shutil.which("runsc"), "runsc is not installed")
    def test_runsc_is_judged_rightly(self):
        self.judge("runsc", RUNSC_PASSES, RUNSC_FAILS)


def add(suite):
    def check(self):
        rows = [row for row in self.rows if row["suite"] == suite]
        self.assertTrue(rows, "no case was run")
        for row in rows:
            with self.subTest(row["id"]):
                self.assertIn(row["outcome"], ("pass", "waived"), row["reason"] + "\n" + row["trace"])
        self.assertIn("pass", [row["outcome"] for row in rows])
    setattr(OnTheWire, "test_moat_passes_" + suite.replace("-", "_"), check)


for name in CASES:
    add(name)


class CommandLine(unittest.TestCase):
    def test_names_are_checked(self):
        for arguments, words in (
                (["--dut=vax"], 'there is no device "vax"'),
                (["--dut=linux", "--suite=x25"], 'there is no suite "x25"'),
                (["--dut=linux", "--case=arp-999"], 'there is no case "arp-999"'),
                (["--suite=arp"], "--dut"),
                (["--dut=linux", "--jobs=0"], "--jobs is 1 to 256")):
            done = conform(*arguments, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(words, text(done.stderr))

    def test_lists_without_a_device(self):
        listed = text(conform("--list", "--case=arp-001").stdout)
        self.assertIn("arp-001", listed)
        self.assertIn("MUST", listed)

    def test_table_captures_and_records(self):
        with tempfile.TemporaryDirectory() as directory:
            done = conform("--dut=linux", "--case=arp-001", "--pcap=" + directory + "/to/be/made",
                           "--record=" + directory + "/results")
            self.assertIn("1/1", text(done.stdout))
            with open(directory + "/to/be/made/arp-001-linux.pcap", "rb") as capture:
                self.assertEqual(capture.read(4), bytes([0x4d, 0x3c, 0xb2, 0xa1]))
            with open(directory + "/results", encoding="utf-8") as results:
                self.assertEqual(results.read(), "arp-001\tlinux\tpass\n")

    def test_outputs_that_cannot_be_written_are_told_before_the_run(self):
        for argument in ("--pcap=/proc/captures", "--record=/proc/none/results"):
            done = conform("--dut=linux", "--case=arp-001", argument, check=False)
            self.assertEqual(done.returncode, 2, argument)
            self.assertIn(argument.split("=")[1], text(done.stderr))
            self.assertEqual(text(done.stdout), "")
