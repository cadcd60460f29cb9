"""A container's network as programs in it see it: what is configured, what is shared, what is closed."""

import os

from harness.moat_case import MoatCase
from harness.process import eventually, need, run
from harness.world import addresses


class Isolation(MoatCase):
    """The container's sockets are not the kernel's."""

    def test_kernel_tables_are_empty(self):
        made = self.serve(["/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0", "8000"],
                          8000, addresses(4)[1])
        pid = made.state()["pid"]
        for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "icmp", "icmp6"):
            with open("/proc/%d/net/%s" % (pid, table), encoding="utf-8") as file:
                self.assertEqual(len(file.readlines()), 1, "kernel %s table is not empty" % table)
        done = run([need("ss"), "-N", self.world.sandbox, "-Htuan"])
        self.assertEqual(done.stdout, b"")

    def test_families_that_are_not_served_fail_as_on_linux(self):
        script = (
            "import socket,errno\n"
            "def code(*a):\n"
            "  try: socket.socket(*a); return 'OK'\n"
            "  except OSError as e: return errno.errorcode[e.errno]\n"
            "print(code(socket.AF_VSOCK, socket.SOCK_STREAM), code(socket.AF_PACKET, socket.SOCK_STREAM),\n"
            "      code(socket.AF_INET, socket.SOCK_STREAM, 132), code(socket.AF_INET, socket.SOCK_RAW, 0),\n"
            "      code(socket.AF_INET, socket.SOCK_SEQPACKET), code(socket.AF_UNIX, socket.SOCK_STREAM))\n")
        self.assertEqual(
            self.run_inside(["/usr/bin/python3", "-c", script]).split(),
            ["EAFNOSUPPORT", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT",
             "OK"])

    def test_ways_round_the_filter_are_closed(self):
        script = (
            "import ctypes,errno\n"
            "libc=ctypes.CDLL(None,use_errno=True)\n"
            "libc.syscall(425,8,0); print(errno.errorcode[ctypes.get_errno()])\n"      # io_uring_setup
            "libc.syscall(0x40000000+41,2,1,0); print(errno.errorcode[ctypes.get_errno()])\n")  # x32 socket
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]).split(), ["ENOSYS", "ENOSYS"])


class Router(MoatCase):
    """The operator makes a router of a container with moatctl; a program in it sees what was done."""

    def setUp(self):
        super().setUp()
        self.made = self.container(["/bin/sleep", "600"]).start()
        eventually(lambda: self.made.moat("list", "-q").stdout and self.made.state()["status"] == "running",
                   self.made.diagnosis, 60)

    def ctl(self, *words):
        return self.made.moatctl(self.made.id, *words).stdout.decode()

    def refused(self, *words):
        """What moatctl says when the sandbox refuses."""
        done = self.made.moatctl(self.made.id, *words, check=False)
        self.assertEqual(done.returncode, 2, words)
        return done.stderr.decode()

    def inside(self, *words):
        return self.made.exec(list(words)).stdout.decode()

    def test_tables_and_rules(self):
        self.ctl("route", "add", "203.0.113.0/24", "via", "10.77.0.1", "mtu", "1400", "table", "100")
        self.ctl("rule", "add", "to", "203.0.113.0/24", "table", "100", "priority", "1000")
        self.ctl("rule", "add", "to", "203.0.113.9", "prohibit")
        self.assertEqual(self.ctl("route", "show", "table", "100"),
                         "203.0.113.0/24 via 10.77.0.1 dev eth0 mtu 1400\n")
        self.assertNotIn("203.0.113.0", self.ctl("route"))
        self.assertEqual(self.ctl("rule"), "999:\tfrom all to 203.0.113.9 prohibit\n"
                                           "1000:\tfrom all to 203.0.113.0/24 lookup 100\n"
                                           "32766:\tfrom all lookup main\n")
        self.assertIn("table: 255 cannot be written",
                      self.refused("route", "add", "default", "via", "10.77.0.1", "table", "255"))
        # Programs inside are told by netlink, as by the kernel.
        rules = [" ".join(line.split()) for line in self.inside("ip", "rule").splitlines()]
        self.assertEqual(rules, ["0: from all lookup local", "999: from all to 203.0.113.9 prohibit",
                                 "1000: from all to 203.0.113.0/24 lookup 100",
                                 "32766: from all lookup main", "32767: from all lookup default"])
        self.assertIn("203.0.113.0/24 via 10.77.0.1 dev eth0 table 100",
                      self.inside("ip", "route", "show", "table", "all"))
        self.assertIn("203.0.113.0/24 via 10.77.0.1", self.inside("ip", "route", "show", "table", "100"))
        self.assertIn("mtu 1400", self.inside("ip", "route", "get", "203.0.113.8"))
        connect = ("import socket\ns=socket.socket(); s.settimeout(60)\n"
                   "print(s.connect_ex(('203.0.113.9',7000)))")
        self.assertEqual(self.inside("/usr/bin/python3", "-c", connect), "13\n")  # EACCES
        self.ctl("rule", "del", "priority", "999")
        self.world.on_client(["ip", "addr", "add", "203.0.113.9/32", "dev", "lo"])
        self.assertEqual(self.inside("/usr/bin/python3", "-c", connect), "111\n")  # ECONNREFUSED
        self.ctl("rule", "del", "table", "100")
        self.ctl("route", "del", "203.0.113.0/24", "table", "100")
        self.assertEqual(self.ctl("rule"), "32766:\tfrom all lookup main\n")
        self.assertIn("main table's rule stays", self.refused("rule", "del", "priority", "32766"))

    def test_router_advertisements(self):
        def kernel():
            return self.world.on_client(["ip", "-6", "addr", "show", "dev", "veth0"]).stdout.decode()

        def routes():
            return self.world.on_client(["ip", "-6", "route", "show", "proto", "ra"]).stdout.decode()

        for name, value in (("accept_ra", 1), ("autoconf", 1), ("forwarding", 0)):
            self.world.on_client(["/bin/sh", "-c", "echo %d >/proc/sys/net/ipv6/conf/veth0/%s" % (value, name)])
        self.assertIn("max_interval is not within", self.refused("ra", "set", "eth0", "max", "3"))
        self.ctl("ra", "set", "eth0", "max", "4", "prefix", "2001:db8:77::/64", "dns", "2001:db8:77::53")
        self.assertIn("eth0 max 4 min 3 lifetime 12", self.ctl("ra"))
        self.assertIn("(not advertising now)", self.ctl("ra"))
        self.ctl("sysctl", "ipv6.conf.eth0.forwarding=1")
        eventually(lambda: "not advertising" not in self.ctl("ra"), lambda: self.ctl("ra"), 60)
        eventually(lambda: "2001:db8:77:" in kernel(), kernel, 60)
        eventually(lambda: "default via fe80::" in routes(), routes, 60)
        self.ctl("ra", "unset", "eth0")
        self.assertEqual(self.ctl("ra"), "")
        eventually(lambda: "default via" not in routes(), routes, 60)
        self.assertIn("nothing is advertised on eth0", self.refused("ra", "unset", "eth0"))


class Pod(MoatCase):
    """Two containers that are given one network namespace, as those of a Kubernetes pod are."""

    WEB = ["/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0"]

    def test_the_second_joins_the_sentry_of_the_first(self):
        address = addresses(4)[1]
        first = self.serve(self.WEB + ["8000"], 8000, address)
        second = self.container(self.WEB + ["8001"], beside=first).start()
        self.wait_for_port(address, 8001, second.alive)
        script = "python3 -c 'import urllib.request as u;print(u.urlopen(\"http://127.0.0.1:%d\").status)'"
        self.assertEqual(first.exec(["/bin/sh", "-c", script % 8001]).stdout, b"200\n")
        self.assertEqual(second.exec(["/bin/sh", "-c", script % 8000]).stdout, b"200\n")
        for made in (first, second):
            listening = made.moatctl(made.id, "ss", "-tlnH").stdout.decode()
            self.assertIn(":8000", listening)
            self.assertIn(":8001", listening)
        second.moat("delete", "--force", second.id)
        self.wait_for_port(address, 8000, first.alive)

    def test_without_the_first_the_second_gets_errors_not_hangs(self):
        first = self.container(["/bin/sleep", "60"]).start()
        eventually(lambda: first.moat("list", "-q").stdout and first.state()["status"] == "running",
                   "the first container does not run")
        script = ("import socket,time\n"
                  "s=socket.create_server(('',8001)); print('ready',flush=True)\n"
                  "try: s.accept()\n"
                  "except OSError: print('accept failed',flush=True)\n")
        second = self.container(["/usr/bin/python3", "-c", script], beside=first).start()
        eventually(lambda: "ready" in second.process.output(), second.diagnosis)
        first.moat("delete", "--force", first.id)
        second.process.wait()
        self.assertIn("accept failed", second.process.output())


class Interfaces(MoatCase):
    """What programs learn of the network they are on."""

    def test_getaddrinfo_with_addrconfig(self):
        script = ("import socket;print(socket.getaddrinfo('10.77.0.1',80,type=socket.SOCK_STREAM,"
                  "flags=socket.AI_ADDRCONFIG)[0][4])")
        self.assertIn("10.77.0.1", self.run_inside(["/usr/bin/python3", "-c", script]))

    def test_getaddrinfo_orders_as_under_the_kernel(self):
        # RFC 6724: libc connects UDP sockets to learn the sources, and whether there is a way at all.
        ip, inside = need("ip"), ["-n", self.world.sandbox]
        run([ip] + inside + ["addr", "add", "2001:db8:5::2/64", "dev", "eth0", "nodad"])
        for kind, destination in (("unreachable", "2001:db8:6::/48"), ("prohibit", "198.51.100.0/24"),
                                  ("blackhole", "203.0.113.0/24")):
            run([ip] + inside + ["route", "add", kind, destination])
        run([ip] + inside + ["-6", "route", "del", "default"])
        names = ["203.0.113.9", "198.51.100.9", "10.77.0.1", "192.0.2.9", "2001:db8:6::9", "fd77::1",
                 "2001:db8:5::9", "2001:db8:7::9", "127.0.0.1", "::1", "fe80::9"]
        argv = ["/usr/bin/python3", os.path.join(self.files, "resolve.py"), "all.test"] + names
        # Under the kernel with a mount namespace of its own: the script writes /etc/hosts.
        private = ("mount -t tmpfs none /mnt && cp /etc/hosts /mnt/ && mount --bind /mnt/hosts /etc/hosts"
                   " && exec \"$@\"")
        expected = run([ip, "netns", "exec", self.world.sandbox, need("unshare"), "-m", "/bin/sh", "-c",
                        private, "sh"] + argv).stdout.decode()
        self.assertIn("198.51.100.9 from EACCES", expected)
        self.assertIn("2001:db8:7::9 from ENETUNREACH", expected)
        self.assertIn("order ::1 ", expected)
        self.assertEqual(self.run_inside(argv), expected)

    def test_ip_shows_the_configured_addresses(self):
        output = self.run_inside([need("ip"), "addr"])
        self.assertIn("inet 10.77.0.2/24", output)
        self.assertIn("inet6 fd77::2/64", output)

    def test_an_address_added_while_running_is_served(self):
        self.serve(["/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0", "8000"],
                   8000, addresses(4)[1])
        run([need("ip"), "-n", self.world.sandbox, "addr", "add", "10.77.0.3/24", "dev", "eth0"])
        self.world.wait_for_port("10.77.0.3", 8000)
        run([need("ip"), "-n", self.world.sandbox, "addr", "del", "10.77.0.3/24", "dev", "eth0"])
