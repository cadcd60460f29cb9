"""dockerd and its containerd killed at several moments: `moat list` goes on working, `moat delete --force`
cleans up, and a new dockerd can go on. And a sentry killed under Docker."""

import glob
import os
import signal
import subprocess
import time
import unittest

from harness.container import binary
from harness.docker import Docker
from harness.process import eventually, need, processes_that_mention, run, text

# When the victim is killed, in seconds after `docker run` or `docker rm -f` was started.
MOMENTS = (0.2, 0.5, 1.0)
SERVER = ["/usr/bin/python3", "-m", "http.server", "80"]


class DockerFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.docker = Docker().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.docker.close()

    def moat(self, *argv, **options):
        return run([binary("moat"), "--root", self.docker.state_root] + list(argv), **options)

    def kill(self, victim):
        if victim == "dockerd":
            self.docker.kill_daemon()
        else:
            eventually(self.docker.containerd_pid, "dockerd has no containerd")
            os.kill(self.docker.containerd_pid(), signal.SIGKILL)

    def run_container(self):
        """A server that listens: its id."""
        done = self.docker.docker(*self.docker.run_arguments("-d"), *SERVER)
        identifier = done.stdout.decode().strip()
        eventually(lambda: self.fetch(identifier).stdout == b"200\n",
                   lambda: text(self.fetch(identifier).stderr))
        return identifier

    def fetch(self, identifier):
        return self.moat("exec", identifier, "/usr/bin/python3", "-c",
                         "import urllib.request as u; print(u.urlopen('http://127.0.0.1/').status)",
                         check=False)

    def in_background(self, *argv):
        client = subprocess.Popen(self.docker.command(*argv), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)

    def check_cleanable(self):
        """Removes by moat alone whatever is there, until nothing is: a shim may be about to make one."""
        def clean():
            names = self.moat("list", "-q").stdout.decode().split()
            for name in names:
                self.moat("list")
                self.moat("delete", "--force", name)
                eventually(lambda: not self.left(name), lambda: "left behind: %s" % self.left(name))
            return not names

        eventually(clean, "containers come again and again")

    def left(self, name):
        """What there is of a container, but for the shim, which is containerd's."""
        found = [line for line in processes_that_mention(name) if "containerd-shim" not in line]
        return found + glob.glob("/sys/fs/cgroup/*/docker/" + name) + glob.glob(
            "/sys/fs/cgroup/docker/" + name)

    def check_usable_again(self, victim):
        """Docker itself goes on: what it knew can be removed, and new containers run."""
        if victim == "dockerd":
            self.docker.start_daemon()
        # dockerd restarts its containerd.
        eventually(lambda: self.docker.docker("run", "--rm", "--runtime=moat", "test", "/busybox", "true",
                                              check=False).returncode == 0,
                   lambda: "no new container runs:\n" + self.docker.daemon_output())
        listed = self.docker.docker("ps", "-aq").stdout.decode().split()
        if listed:
            self.docker.docker("rm", "-f", *listed, check=False)
        eventually(lambda: self.moat("list", "-q").stdout == b"", "containers stay behind")

    def while_starting(self, victim):
        for delay in MOMENTS:
            with self.subTest(delay=delay):
                self.in_background(*self.docker.run_arguments("-d"), *SERVER)
                time.sleep(delay)
                self.kill(victim)
                self.moat("list")
                self.check_cleanable()
                self.check_usable_again(victim)

    def while_deleting(self, victim):
        for delay in MOMENTS[:2]:
            with self.subTest(delay=delay):
                self.in_background("rm", "-f", self.run_container())
                time.sleep(delay)
                self.kill(victim)
                self.moat("list")
                self.check_cleanable()
                self.check_usable_again(victim)

    def while_running(self, victim):
        identifier = self.run_container()
        self.kill(victim)
        # The container does not notice.
        self.assertIn(identifier, self.moat("list", "-q").stdout.decode())
        self.assertEqual(self.fetch(identifier).stdout, b"200\n")
        self.check_cleanable()
        self.check_usable_again(victim)

    def test_dockerd_killed_while_starting(self):
        self.while_starting("dockerd")

    def test_dockerd_killed_while_running(self):
        self.while_running("dockerd")

    def test_dockerd_killed_while_deleting(self):
        self.while_deleting("dockerd")

    def test_containerd_killed_while_starting(self):
        self.while_starting("containerd")

    def test_containerd_killed_while_running(self):
        self.while_running("containerd")

    def test_containerd_killed_while_deleting(self):
        self.while_deleting("containerd")

    def test_killed_sentry_gives_errors_not_hangs(self):
        script = ("import socket,errno\n"
                  "s=socket.create_server(('',80)); print('ready',flush=True)\n"
                  "try: s.accept()\n"
                  "except OSError as e: print('accept failed', flush=True)\n"
                  "try: socket.socket()\n"
                  "except OSError as e: print('socket', errno.errorcode[e.errno], flush=True)\n")
        self.docker.docker(*self.docker.run_arguments("-d", "--name", "orphan"), "/usr/bin/python3", "-c",
                           script)

        def logs():
            return text(self.docker.docker("logs", "orphan").stdout)

        eventually(lambda: "ready" in logs(), "the program did not start")
        identifier = self.docker.docker("inspect", "-f", "{{.Id}}", "orphan").stdout.decode().strip()
        time.sleep(0.3)  # until it waits in accept()
        done = run([need("pgrep"), "-f", "^moat boot --id " + identifier])
        os.kill(int(done.stdout), signal.SIGKILL)
        self.assertEqual(self.docker.docker("wait", "orphan").stdout.strip(), b"0", logs())
        eventually(lambda: "accept failed\nsocket ENOSYS" in logs(), logs)
        self.docker.docker("rm", "orphan")
        eventually(lambda: self.moat("list", "-q").stdout == b"", "the container stays behind")
