"""A test's world: two hosts, joined by a veth pair.

    client namespace                      configured namespace
    10.77.0.1/24, fd77::1/64  ---veth---  10.77.0.2/24, fd77::2/64 (eth0)

The configured namespace is what Docker or CNI would prepare; the container's sentry attaches to it.
"""

import os
import time
import uuid

from harness.process import Background, Scoped, need, run

CLIENT4, CLIENT6 = "10.77.0.1", "fd77::1"
SERVER4, SERVER6 = "10.77.0.2", "fd77::2"


def addresses(version):
    """(client, server) of IP version 4 or 6."""
    return (CLIENT4, SERVER4) if version == 4 else (CLIENT6, SERVER6)


def url(address, port, path="/"):
    host = "[%s]" % address if ":" in address else address
    return "http://%s:%d%s" % (host, port, path)


class World(Scoped):
    def __init__(self):
        tag = uuid.uuid4().hex[:8]
        self.client = "mc" + tag
        self.sandbox = "ms" + tag
        self._background = []

    @property
    def sandbox_path(self):
        return "/run/netns/" + self.sandbox

    def _make(self):
        ip = need("ip")
        for namespace in (self.client, self.sandbox):
            run([ip, "netns", "add", namespace])
            run([ip, "-n", namespace, "link", "set", "lo", "up"])
        run([ip, "-n", self.client, "link", "add", "veth0", "type", "veth",
             "peer", "name", "eth0", "netns", self.sandbox])
        for namespace, device, four, six in (
                (self.client, "veth0", CLIENT4, CLIENT6), (self.sandbox, "eth0", SERVER4, SERVER6)):
            run([ip, "-n", namespace, "addr", "add", four + "/24", "dev", device])
            run([ip, "-n", namespace, "addr", "add", six + "/64", "dev", device, "nodad"])
            run([ip, "-n", namespace, "link", "set", device, "up"])
        run([ip, "-n", self.sandbox, "route", "add", "default", "via", CLIENT4])
        run([ip, "-n", self.sandbox, "-6", "route", "add", "default", "via", CLIENT6])

    def on_client(self, argv, **options):
        """Runs a command on the client's side of the wire."""
        return run([need("ip"), "netns", "exec", self.client] + argv, **options)

    def start_on_client(self, argv, **options):
        process = Background([need("ip"), "netns", "exec", self.client] + argv, **options)
        self._background.append(process)
        return process

    def wait_for_port(self, address, port, alive=lambda: True, seconds=60):
        """Until a TCP connection from the client succeeds."""
        probe = ("import socket,sys;"
                 "socket.create_connection((sys.argv[1],int(sys.argv[2])),2).close()")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.on_client(["/usr/bin/python3", "-c", probe, address, str(port)],
                              check=False).returncode == 0:
                return
            if not alive():
                raise AssertionError("the server ended before it listened on port %d" % port)
            time.sleep(0.1)
        raise AssertionError("nothing listens on %s port %d after %d s" % (address, port, seconds))

    def close(self):
        for process in self._background:
            process.stop()
        self._background = []
        for namespace in (self.client, self.sandbox):
            if os.path.exists("/run/netns/" + namespace):
                run([need("ip"), "netns", "del", namespace], check=False)
