"""One dockerd for all cases of a module, and containers under it as the cases of program_cases.py want them.

A module calls start_docker() in its setUpModule and stop_docker() in its tearDownModule.
"""

import os
import shutil
import time
import unittest
import uuid

from harness.docker import BRIDGE4, BRIDGE6, Docker
from harness.process import Background, eventually, need, run, text
from harness.program_cases import make_files


class Shared:
    """What the module's cases have in common."""

    docker = None
    files = None


def start_docker():
    Shared.files = make_files()
    Shared.docker = Docker().__enter__()
    # The bridge has no carrier, and its IPv6 address is of no use, until a container is there.
    DockerContainer(Shared.docker, ["/busybox", "sleep", "100000"]).start()
    address = Shared.docker.host_command([need("ip"), "-6", "addr", "show", "to", BRIDGE6])
    eventually(lambda: b"tentative" not in run(address).stdout, "the bridge's IPv6 address is tentative")


def stop_docker():
    if Shared.docker:
        Shared.docker.close()
    if Shared.files:
        shutil.rmtree(Shared.files, ignore_errors=True)


class DockerContainer:
    """A container under `docker run`, with the interface of harness.container.Container."""

    def __init__(self, docker, argv, options=(), mounts=()):
        self.docker = docker
        self.name = "c" + uuid.uuid4().hex[:10]
        self._argv = docker.run_arguments("--name", self.name, *mounts, *options)
        self._command = list(argv)

    def start(self):
        """`docker run --detach`."""
        self.docker.docker(self._argv[0], "--detach", *self._argv[1:], *self._command)
        return self

    def run(self, timeout=60):
        """`docker run` to its end: (exit code, output)."""
        done = self.docker.docker(*self._argv, *self._command, check=False, timeout=timeout)
        return done.returncode, text(done.stdout) + text(done.stderr)

    def exec(self, argv, **options):
        return self.docker.docker("exec", self.name, *argv, **options)

    def inspect(self, field):
        return self.docker.docker("inspect", "-f", "{{%s}}" % field, self.name).stdout.decode().strip()

    def address(self, version):
        field = "IPAddress" if version == 4 else "GlobalIPv6Address"
        return self.inspect(".NetworkSettings." + field)

    def alive(self):
        return self.inspect(".State.Running") == "true"

    def wait(self):
        """The exit code."""
        return int(self.docker.docker("wait", self.name).stdout)

    def output(self):
        done = self.docker.docker("logs", self.name, check=False)
        return text(done.stdout) + text(done.stderr)

    def diagnosis(self):
        return "--- output of the container:\n" + self.output()

    def close(self):
        self.docker.docker("rm", "-f", self.name, check=False, timeout=60)


class DockerCase(unittest.TestCase):
    """The client is where dockerd is, and reaches the container by its published ports."""

    seconds = 1

    @classmethod
    def setUpClass(cls):
        cls.docker = Shared.docker
        cls.files = Shared.files

    def setUp(self):
        self.on_client = self.docker.on_host

    def addresses(self, version):
        return (BRIDGE4, BRIDGE4) if version == 4 else (BRIDGE6, BRIDGE6)

    def listen_address(self, server):
        return "::" if ":" in server else "0.0.0.0"

    def container(self, argv, options=()):
        made = DockerContainer(self.docker, argv, options,
                               ["-v", "%s:%s:ro" % (self.files, self.files)])
        self.addCleanup(made.close)
        return made

    def serve(self, argv, port, address, options=()):
        """A started container whose `port` is published under the same number."""
        publish = []
        for protocol in ("tcp", "udp"):
            publish += ["-p", "%d:%d/%s" % (port, port, protocol)]
        made = self.container(argv, [*publish, *options]).start()
        try:
            # The container's own address: Docker's proxy accepts before the server listens.
            self.wait_for_port(made.address(6 if ":" in address else 4), port, made.alive)
        except AssertionError as error:
            self.fail("%s\n%s" % (error, made.diagnosis()))
        return made

    def start_on_client(self, argv):
        process = Background(self.docker.host_command(argv))
        self.addCleanup(process.stop)
        return process

    def wait_for_port(self, address, port, alive=lambda: True, seconds=60):
        probe = ("import socket,sys,time\n"
                 "end = time.monotonic() + float(sys.argv[3])\n"
                 "while True:\n"
                 "  try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close(); break\n"
                 "  except OSError as e:\n"
                 "    if time.monotonic() > end: sys.exit(str(e))\n"
                 "    time.sleep(0.05)\n")
        end = time.monotonic() + seconds
        while self.on_client(["/usr/bin/python3", "-c", probe, address, str(port), "2"],
                             check=False).returncode != 0:
            if not alive():
                raise AssertionError("the server ended before it listened on port %d" % port)
            if time.monotonic() > end:
                raise AssertionError("nothing listens on %s port %d after %d s" % (address, port, seconds))
