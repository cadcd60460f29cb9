"""OCI bundles whose root is the host's own file system under a throw-away overlay."""

import json
import os
import tempfile

from harness.process import need, run

CAPABILITIES = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
]


def config(argv, network=None, terminal=False, env=(), cwd="/"):
    """A config.json like the one `spec` writes."""
    namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    namespaces.append({"type": "network", "path": network} if network else {"type": "network"})
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": terminal,
            "user": {"uid": 0, "gid": 0},
            "args": list(argv),
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "TERM=xterm", "HOME=/root"] + list(env),
            "cwd": cwd,
            "capabilities": {kind: CAPABILITIES for kind in
                             ("bounding", "effective", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 20000, "soft": 20000}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": False},
        "hostname": "moat-test",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/run", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "nodev", "mode=755"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs",
             "options": ["nosuid", "noexec", "nodev", "ro"]},
        ],
        "linux": {
            "namespaces": namespaces,
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "sysctl": {"net.ipv4.ip_unprivileged_port_start": "0"},
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
        },
    }


class Bundle:
    """A bundle directory; its mounts live in the test's own mount namespace."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="moat-bundle-")
        self.path = self._directory.name
        os.chmod(self.path, 0o711)  # the root of a user namespace must get through
        scratch = os.path.join(self.path, "scratch")
        root = os.path.join(self.path, "rootfs")
        os.mkdir(scratch)
        os.mkdir(root)
        run([need("mount"), "-t", "tmpfs", "tmpfs", scratch])
        upper, work = os.path.join(scratch, "upper"), os.path.join(scratch, "work")
        os.mkdir(upper)
        os.mkdir(work)
        run([need("mount"), "-t", "overlay", "-o",
             "lowerdir=/,upperdir=%s,workdir=%s" % (upper, work), "overlay", root])

    @property
    def rootfs(self):
        return os.path.join(self.path, "rootfs")

    def write(self, configuration):
        with open(os.path.join(self.path, "config.json"), "w", encoding="utf-8") as out:
            json.dump(configuration, out)

    def close(self):
        for name in ("rootfs", "scratch"):
            run([need("umount"), "-l", os.path.join(self.path, name)], check=False)
        self._directory.cleanup()
