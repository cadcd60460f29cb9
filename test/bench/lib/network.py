"""Two network namespaces joined by a veth pair: the load's, and the container's."""

import itertools
import os

from lib.shell import on_exit, run, undo

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"

_numbers = itertools.count()

# Enough ports for a connection per request, and none of them stuck in TIME-WAIT.
_CLIENT_SYSCTLS = {
    "net/ipv4/ip_local_port_range": "1024 65535",
    "net/ipv4/tcp_tw_reuse": "1",
    "net/ipv4/tcp_max_tw_buckets": "262144",
    "net/core/somaxconn": "4096",
}


class Pair:
    def __init__(self):
        tag = f"moatbench{os.getpid()}x{next(_numbers)}"
        self.client, self.server = f"{tag}c", f"{tag}s"
        self._undo = on_exit(self._remove)
        for name in (self.client, self.server):
            run(["ip", "netns", "add", name])
        run(["ip", "-n", self.client, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
             "netns", self.server])
        for name, address in ((self.client, CLIENT), (self.server, SERVER)):
            run(["ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0"])
            run(["ip", "-n", name, "link", "set", "lo", "up"])
            run(["ip", "-n", name, "link", "set", "eth0", "up"])
        run(["ip", "-n", self.server, "route", "add", "default", "via", CLIENT])
        script = ";".join(f"echo '{value}' > /proc/sys/{name}"
                          for name, value in _CLIENT_SYSCTLS.items())
        run(self.inside(["sh", "-c", script]))
        # The container's kernel stack gets what the client's has, so that the comparison is fair.
        run(["ip", "netns", "exec", self.server, "sh", "-c",
             "echo 4096 > /proc/sys/net/core/somaxconn"])

    @property
    def server_path(self):
        return f"/var/run/netns/{self.server}"

    def inside(self, command):
        """The command line that runs `command` as the load."""
        return ["ip", "netns", "exec", self.client] + command

    def close(self):
        undo(self._undo)

    def _remove(self):
        for name in (self.client, self.server):
            run(["ip", "netns", "del", name], check=False)
