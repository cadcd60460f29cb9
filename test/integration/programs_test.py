"""Unmodified programs as servers and as clients inside a container, over IPv4 and IPv6."""

import os

from harness.moat_case import MoatCase
from harness.program_cases import Clients, Servers


class ServersUnderMoat(Servers, MoatCase):
    pass


class ClientsUnderMoat(Clients, MoatCase):
    pass


class Loopback(MoatCase):
    """Both ends inside one container."""

    # Until the server that was started before listens.
    LISTENS = "until (exec 3<>/dev/tcp/%s/%d) 2>/dev/null; do sleep 0.1; done; "

    def test_http_over_localhost(self):
        script = ("python3 -m http.server --bind 127.0.0.1 8000 >/dev/null 2>&1 & " +
                  self.LISTENS % ("127.0.0.1", 8000) +
                  "curl -sS -o /dev/null -w '%{http_code} %{local_ip}\\n' http://127.0.0.1:8000/; kill %1")
        self.assertIn("200 127.0.0.1", self.run_inside(["/bin/bash", "-c", script]))

    def test_echo_over_ipv6_loopback(self):
        echo = os.path.join(self.files, "asyncio_echo.py")
        script = ("python3 {0} serve ::1 7000 & " + self.LISTENS % ("::1", 7000) +
                  "python3 {0} talk ::1 7000 20 300000; kill %1").format(echo)
        self.assertIn("echoed 20 connections", self.run_inside(["/bin/bash", "-c", script]))

    def test_redis_over_localhost(self):
        script = ("redis-server --save '' --port 6379 >/dev/null & " + self.LISTENS % ("127.0.0.1", 6379) +
                  "redis-benchmark -t get,set -n 5000 -q; kill %1")
        output = self.run_inside(["/bin/bash", "-c", script])
        self.assertIn("GET:", output)

    def test_connect_to_own_address(self):
        echo = os.path.join(self.files, "asyncio_echo.py")
        script = ("python3 {0} serve 0.0.0.0 7000 & " + self.LISTENS % ("10.77.0.2", 7000) +
                  "python3 {0} talk 10.77.0.2 7000 5 100000; kill %1").format(echo)
        self.assertIn("echoed 5 connections", self.run_inside(["/bin/bash", "-c", script]))
