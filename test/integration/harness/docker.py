"""A dockerd of the test's own, in a network namespace and directories of its own."""

import contextlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
import uuid

from harness.container import binary
from harness.process import Background, Scoped, eventually, need, run

BRIDGE4, BRIDGE6 = "172.30.77.1", "fd30:77::1"  # of the default bridge, where dockerd runs

# Host directories that containers may read, so that one small image runs every program.
PROGRAM_MOUNTS = [name for name in ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/alternatives",
                                    "/etc/java-17-openjdk", "/etc/ssl")
                  if os.path.exists(name)]


class Docker(Scoped):
    def __init__(self):
        self.namespace = "md" + uuid.uuid4().hex[:8]
        # A short path: Unix socket names are limited to 108 bytes.
        self.directory = tempfile.mkdtemp(prefix="mdk-", dir="/tmp")
        self.socket = "unix://%s/d.sock" % self.directory
        self._configuration = self.directory + "/daemon.json"
        self._daemon = None

    def _make(self):
        self._start()
        self._import_image()

    def _start(self):
        ip = need("ip")
        run([ip, "netns", "add", self.namespace])
        run([ip, "-n", self.namespace, "link", "set", "lo", "up"])
        with open(self._configuration, "w", encoding="utf-8") as out:
            json.dump({"runtimes": {"moat": {"path": binary("moat")}},
                       "deprecated-key-path": self.directory + "/key.json"}, out)
        self.start_daemon()

    def start_daemon(self):
        """Starts dockerd and waits until it answers."""
        self._daemon = Background([
            # Not `ip netns exec`, which mounts a new /sys and so hides the cgroup hierarchies.
            need("nsenter"), "--net=/run/netns/" + self.namespace,
            need("dockerd"), "--config-file", self._configuration,
            "--data-root", self.directory + "/data", "--exec-root", self.directory + "/exec",
            "--pidfile", self.directory + "/pid", "-H", self.socket, "--bip", BRIDGE4 + "/24",
            "--storage-driver", "vfs", "--ipv6", "--fixed-cidr-v6", "fd30:77::/64"])
        end = time.monotonic() + 120
        while self.docker("version", check=False).returncode != 0:
            if not self._daemon.alive() or time.monotonic() > end:
                raise AssertionError("dockerd did not start:\n" + self._daemon.output())
            time.sleep(0.3)

    def _import_image(self):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name in ("bin", "usr", "lib", "lib64", "sbin", "proc", "sys", "dev", "etc", "tmp", "run",
                         "root", "srv", "var", "var/lib", "var/lib/nginx", "var/log", "var/log/nginx"):
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            for name in ("/etc/passwd", "/etc/group"):
                tar.add(name, arcname=name[1:])
            tar.add(os.path.realpath(need("busybox")), arcname="busybox")
        self.docker("import", "-", "test", stdin=archive.getvalue())

    def command(self, *argv):
        """The command line of Docker's client."""
        # Debian's client, which is of the daemon's version.
        client = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else need("docker")
        return [client, "-H", self.socket, *argv]

    def docker(self, *argv, timeout=120, **options):
        return run(self.command(*argv), timeout=timeout, **options)

    def run_arguments(self, *options, runtime="moat"):
        """`docker run` with the host's programs mounted read-only."""
        argv = ["run", "--runtime=" + os.environ.get("MOAT_DOCKER_RUNTIME", runtime)]
        for name in PROGRAM_MOUNTS:
            argv += ["-v", "%s:%s:ro" % (os.path.realpath(name), name)]
        return argv + list(options) + ["test"]

    def host_command(self, argv):
        """A command line that runs where dockerd runs: where published ports are."""
        return [need("nsenter"), "--net=/run/netns/" + self.namespace] + argv

    def on_host(self, argv, **options):
        return run(self.host_command(argv), **options)

    def daemon_output(self):
        return self._daemon.output() if self._daemon else ""

    @property
    def state_root(self):
        """What --root is for the containers of this dockerd: Docker 20.10 has one for all runtimes."""
        return self.directory + "/exec/runtime-runc/moby"

    def containerd_pid(self):
        """Of the living containerd that dockerd has started; none while dockerd starts it again."""
        done = run([need("pgrep"), "-P", str(self._daemon.process.pid), "-x", "containerd"], check=False)
        return int(done.stdout.split()[-1]) if done.stdout.strip() else None

    def kill_daemon(self):
        """SIGKILL to dockerd, which takes its containerd with it (PR_SET_PDEATHSIG)."""
        containerd = self.containerd_pid()
        self._daemon.process.kill()
        self._daemon.wait()
        eventually(lambda: not os.path.exists("/proc/%s" % containerd), "containerd outlives dockerd")
        # A new dockerd would take the next process with its number for containerd.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.directory + "/exec/containerd/containerd.pid")

    def close(self):
        if self._daemon and not self._daemon.alive() and os.path.exists(self.directory + "/data"):
            self.start_daemon()  # which takes back what its predecessor has left
        if self._daemon and self._daemon.alive():
            listed = self.docker("ps", "-aq", check=False).stdout.decode().split()
            if listed:
                self.docker("rm", "-f", *listed, check=False, timeout=60)
        if self._daemon:
            self._daemon.stop()
        if os.path.exists("/run/netns/" + self.namespace):
            run([need("ip"), "netns", "del", self.namespace], check=False)
        with open("/proc/self/mounts", encoding="utf-8") as file:
            mounts = [line.split()[1] for line in file]
        for mount in reversed(mounts):
            if mount.startswith(self.directory):
                run([need("umount"), "-l", mount], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
