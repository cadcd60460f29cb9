"""The binaries under test, and containers made with them."""

import json
import os
import tempfile
import uuid

from harness.bundle import Bundle, config
from harness.process import Background, run
from harness.world import addresses


def binary(name):
    """//:moat or //:moatctl, from the test's runfiles (or MOAT_BIN_DIR when run by hand)."""
    for base in (os.environ.get("MOAT_BIN_DIR"),
                 os.path.join(os.environ.get("TEST_SRCDIR", "/nonexistent"), "moat")):
        if base and os.path.exists(os.path.join(base, name)):
            return os.path.realpath(os.path.join(base, name))
    raise AssertionError("%s was not built beside the test" % name)


class Container:
    """One container under `moat run`, in a state directory of its own, or in that of the one `beside` it."""

    def __init__(self, argv, world=None, terminal=False, env=(), edit=None, beside=None):
        self.id = "t" + uuid.uuid4().hex[:10]
        self._root = beside._root if beside else tempfile.TemporaryDirectory(prefix="moat-root-")
        self._beside = beside
        self.bundle = Bundle()
        configuration = config(argv, world.sandbox_path if world else None, terminal, env)
        if edit:
            edit(configuration)
        self.bundle.write(configuration)
        self.process = None

    def moat(self, *argv, **options):
        """Runs a moat verb against this container's state directory."""
        return run([binary("moat"), "--root", self._root.name] + list(argv), **options)

    def moatctl(self, *argv, **options):
        return run([binary("moatctl"), "--root", self._root.name] + list(argv), **options)

    def start(self):
        """`moat run` in the background."""
        self.process = Background(
            [binary("moat"), "--root", self._root.name, "run", "--bundle", self.bundle.path, self.id])
        return self

    def run(self, timeout=60):
        """`moat run` to its end: (exit code, output)."""
        self.start()
        code = self.process.wait(timeout)
        return code, self.process.output()

    def exec(self, argv, **options):
        return self.moat("exec", self.id, *argv, **options)

    def state(self):
        return json.loads(self.moat("state", self.id).stdout)

    def address(self, version):
        return addresses(version)[1]

    def directory(self):
        return os.path.join(self._root.name, self.id)

    def alive(self):
        return self.process is not None and self.process.alive()

    def diagnosis(self):
        """What to show when a case fails: the program's output and the sentry's log."""
        lines = ["--- output of the container:", self.process.output() if self.process else ""]
        log = os.path.join(self.directory(), "boot.log")
        if os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as file:
                lines += ["--- boot.log:", file.read()[-4000:]]
        return "\n".join(lines)

    def close(self):
        self.moat("delete", "--force", self.id, check=False)
        if self.process:
            self.process.stop()
        self.bundle.close()
        if not self._beside:
            self._root.cleanup()
