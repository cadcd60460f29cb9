"""`moat conform`: a selection of the conformance cases on the wire, against moat and against Linux.

All of them are run on demand: `moat conform --dut moat,linux`.
"""

import json
import tempfile
import unittest

from harness.container import binary
from harness.process import run, text

# What both stacks pass, a few of each kind of need: answering, sockets, pings, two ports, fragments,
# changing the configuration while running.
BOTH = [
    "arp-001", "arp-008", "arp-015", "arp-016", "arp-017", "arp-031", "arp-044", "arp-046",
    "icmpv4-001", "icmpv4-003", "icmpv4-008", "icmpv4-015", "icmpv4-026",
    "ipv4-001", "ipv4-015", "ipv4-016", "ipv4-021", "ipv4-029", "ipv4-033",
]
# What Linux is known to fail, and moat passes.
MOAT_ONLY = ["arp-040"]


def conform(*arguments, check=True):
    return run([binary("moat"), "conform"] + list(arguments), timeout=280, check=check)


class OnTheWire(unittest.TestCase):
    """One method per case and stack is added below."""

    results = None

    @classmethod
    def setUpClass(cls):
        done = conform("--dut=moat,linux", "--json", "--jobs=4",
                       *["--case=" + case for case in BOTH + MOAT_ONLY], check=False)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            raise AssertionError("no JSON: %s %s" % (text(done.stdout), text(done.stderr))) from None
        cls.results = {(row["id"], row["stack"]): row for row in report["results"]}


def add(case, stack, outcome):
    def check(self):
        row = self.results[case, stack]
        self.assertEqual(row["outcome"], outcome, row["reason"] + "\n" + row["trace"])
    setattr(OnTheWire, "test_%s_%s_%s" % (stack, case.replace("-", "_"), outcome), check)


for name in BOTH:
    add(name, "moat", "pass")
    add(name, "linux", "pass")
for name in MOAT_ONLY:
    add(name, "moat", "pass")
    add(name, "linux", "fail")


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
            done = conform("--dut=linux", "--case=arp-001", "--pcap=" + directory,
                           "--record=" + directory + "/results")
            self.assertIn("1/1", text(done.stdout))
            with open(directory + "/arp-001-linux.pcap", "rb") as capture:
                self.assertEqual(capture.read(4), bytes([0x4d, 0x3c, 0xb2, 0xa1]))
            with open(directory + "/results", encoding="utf-8") as results:
                self.assertEqual(results.read(), "arp-001\tlinux\tpass\n")
