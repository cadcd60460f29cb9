"""An OCI bundle whose programs are the machine's own, bound read-only."""

import json
import os
import resource

_CAPABILITIES = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT "
    "MKNOD AUDIT_WRITE SETFCAP").split()]


def _mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def _system_mounts(rootfs):
    """Binds the directories of programs; links (/bin -> usr/bin) are made in the root itself."""
    mounts = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "usr", "etc"):
        path = f"/{name}"
        if os.path.islink(path):
            os.symlink(os.readlink(path), f"{rootfs}/{name}")
        elif os.path.isdir(path):
            os.mkdir(f"{rootfs}/{name}")
            mounts.append(_mount(path, "bind", path, "rbind", "ro"))
    return mounts


def make(directory, command, netns, share):
    """Writes the bundle; `share` is a directory that the container sees as /bench."""
    rootfs = f"{directory}/rootfs"
    os.makedirs(rootfs)
    mounts = [_mount("/proc", "proc", "proc")]
    mounts += _system_mounts(rootfs)
    mounts += [
        _mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666",
               "mode=0620"),
        _mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777"),
        _mount("/run", "tmpfs", "tmpfs", "nosuid", "nodev"),
        _mount("/var", "tmpfs", "tmpfs", "nosuid", "nodev"),
        _mount("/bench", "bind", share, "rbind", "ro"),
    ]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    config = {
        "ociVersion": "1.0.2",
        "hostname": "bench",
        "root": {"path": "rootfs", "readonly": False},
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": command,
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp"],
            "cwd": "/",
            "noNewPrivileges": True,
            "capabilities": {kind: _CAPABILITIES for kind in ("bounding", "effective", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": files, "soft": files}],
        },
        "mounts": mounts,
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                           {"type": "network", "path": netns}],
        },
    }
    with open(f"{directory}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
