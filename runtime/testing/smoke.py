"""A bundle, and the runtime run on it: what the tests of smoke_test.py have in common."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ.get("MOAT", "")  # set by whoever runs the tests
BUSYBOX = "/bin/busybox"
APPLETS = "sh sleep ls cat echo true false id tty stty env pwd mount touch readlink ps kill ulimit".split()
TIMEOUT = 120

_NAMESPACES = ["pid", "network", "ipc", "uts", "mount"]
_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]},
]


def config(*args):
    """The configuration of a container that runs args."""
    capabilities = ["CAP_KILL", "CAP_AUDIT_WRITE"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": list(args), "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
            "noNewPrivileges": True,
            "capabilities": {name: capabilities for name in ("bounding", "effective", "permitted")},
        },
        "root": {"path": "rootfs"},
        "hostname": "smoke",
        "mounts": [dict(mount) for mount in _MOUNTS],
        "linux": {
            "namespaces": [{"type": name} for name in _NAMESPACES],
            "maskedPaths": ["/proc/kcore", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys"],
        },
    }


class Smoke(unittest.TestCase):
    """One temporary bundle and one state directory per test."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="moat-smoke-")
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir)
        self.bundle = os.path.join(self.dir, "bundle")
        self.root = os.path.join(self.dir, "root")
        self.id = "smoke-%d-%s" % (os.getpid(), self._testMethodName[:40])
        bin_dir = os.path.join(self.bundle, "rootfs", "bin")
        os.makedirs(bin_dir)
        shutil.copy(BUSYBOX, os.path.join(bin_dir, "busybox"))
        for name in ("proc", "dev", "sys"):
            os.mkdir(os.path.join(self.bundle, "rootfs", name))
        for applet in APPLETS:
            os.symlink("busybox", os.path.join(bin_dir, applet))
        self.addCleanup(self.delete)

    def delete(self):
        self.moat("delete", "--force", self.id)
        self.assertEqual(os.listdir(self.root) if os.path.exists(self.root) else [], [])
        for path, names, _ in os.walk("/sys/fs/cgroup"):
            self.assertNotIn(self.id, names, "a control group is left in " + path)

    def write(self, spec):
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            json.dump(spec, file)

    def command(self, *args):
        return [PROGRAM, "--root", self.root, *args]

    def moat(self, *args, **kwargs):
        """Runs a verb; returns (exit code, standard output, standard error)."""
        # Files, not pipes: a container keeps what it was given.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = subprocess.call(self.command(*args), stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err, timeout=TIMEOUT, cwd=self.bundle, **kwargs)
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()

    def run_program(self, *args, edit=None):
        spec = config(*args)
        if edit:
            edit(spec)
        self.write(spec)
        return self.moat("run", self.id)

    def expect_ok(self, *args):
        code, out, err = self.moat(*args)
        self.assertEqual(code, 0, err)
        return out

    def state(self):
        return json.loads(self.expect_ok("state", self.id))

    def wait_status(self, status):
        deadline = time.monotonic() + TIMEOUT
        while self.state()["status"] != status:
            self.assertLess(time.monotonic(), deadline, "never " + status)
            time.sleep(0.01)
