"""Unmodified programs as servers and as clients inside a container, over IPv4 and IPv6."""

import os
import re
import shutil
import unittest

from harness.container import Container
from harness.process import eventually, need, run
from harness.program_cases import Clients, ProgramRun, Servers, both_versions, expand, make_files
from harness.world import World, addresses

FILES = None


def setUpModule():
    global FILES
    FILES = make_files()


def tearDownModule():
    shutil.rmtree(FILES, ignore_errors=True)


class ProgramCase(ProgramRun, unittest.TestCase):
    """Containers of `moat run`; each case has a world of its own."""

    seconds = 2

    @classmethod
    def setUpClass(cls):
        cls.files = FILES

    def setUp(self):
        self.world = World().__enter__()
        self.addCleanup(self.world.close)
        self.on_client = self.world.on_client
        self.start_on_client = self.world.start_on_client
        self.wait_for_port = self.world.wait_for_port

    def addresses(self, version):
        return addresses(version)

    def listen_address(self, server):
        return server

    def container(self, argv, **options):
        made = Container(argv, self.world, **options)
        self.addCleanup(made.close)
        return made

    def serve(self, argv, port, address, **options):
        """A container running a server that listens on `port`."""
        made = self.container(argv, **options).start()
        try:
            self.world.wait_for_port(address, port, made.alive)
        except AssertionError as error:
            self.fail("%s\n%s" % (error, made.diagnosis()))
        return made


class ServersUnderMoat(Servers, ProgramCase):
    pass


class ClientsUnderMoat(Clients, ProgramCase):
    pass


class Loopback(ProgramCase):
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


class Isolation(ProgramCase):
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


class Datagrams(ProgramCase):
    def test_one_that_is_larger_than_the_receive_buffer(self):
        script = ("import socket,select\n"
                  "r=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); r.bind(('127.0.0.1',5000))\n"
                  "r.setsockopt(socket.SOL_SOCKET,socket.SO_RCVBUF,1)\n"
                  "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.sendto(b'x'*60000,('127.0.0.1',5000))\n"
                  "print(bool(select.select([r],[],[],60)[0]),len(r.recv(65536)))\n")
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]), "True 60000\n")


class RawSockets(ProgramCase):
    """Whole packets, for those who have CAP_NET_RAW."""

    HELPERS = (
        "import socket,struct\n"
        "def checksum(b):\n"
        "  s=sum(struct.unpack('>%dH'%(len(b)//2),b)); s=(s>>16)+(s&0xffff); s+=s>>16\n"
        "  return ~s&0xffff\n"
        "def echo(kind):\n"
        "  b=struct.pack('>BBHHH',kind,0,0,77,1)+b'moat'\n"
        "  return struct.pack('>BBHHH',kind,0,checksum(b),77,1)+b'moat'\n")

    def test_icmp_of_both_versions(self):
        peer4, peer6 = addresses(4)[0], addresses(6)[0]
        script = self.HELPERS + (
            "s=socket.socket(socket.AF_INET,socket.SOCK_RAW,socket.IPPROTO_ICMP); s.settimeout(60)\n"
            "s.sendto(echo(8),('%s',0)); b,peer=s.recvfrom(2000)\n"
            "print(peer[0],b[0]>>4,b[9],b[20],b[24:26]==b'\\0\\x4d',checksum(b[20:]))\n"
            "s=socket.socket(socket.AF_INET6,socket.SOCK_RAW,socket.IPPROTO_ICMPV6); s.settimeout(60)\n"
            "only_replies=bytearray(b'\\xff'*32); only_replies[129//32*4+(129%%32)//8]&=~(1<<129%%8)\n"
            "s.setsockopt(socket.IPPROTO_ICMPV6,1,bytes(only_replies))\n"
            "s.sendto(echo(128),('%s',0)); b,peer=s.recvfrom(2000); print(peer[0],b[0],b[8:])\n" % (peer4, peer6))
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]).splitlines(),
                         ["%s 4 1 0 True 0" % peer4, "%s 129 b'moat'" % peer6])

    def test_a_packet_with_its_own_header_and_one_without_a_transport(self):
        script = self.HELPERS + (
            "u=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); u.bind(('127.0.0.1',5000)); u.settimeout(60)\n"
            "raw=socket.socket(socket.AF_INET,socket.SOCK_RAW,255)\n"
            "udp=struct.pack('>HHHH',4000,5000,12,0)+b'moat'\n"
            "raw.sendto(struct.pack('>BBHHHBBH4s4s',0x45,0,0,0,0,9,17,0,b'\\0'*4,bytes([127,0,0,1]))+udp,('127.0.0.1',0))\n"
            "print(*u.recvfrom(100))\n"
            "a=socket.socket(socket.AF_INET,socket.SOCK_RAW,89); a.settimeout(60)\n"
            "print(a.getsockname(),a.getsockopt(socket.SOL_SOCKET,socket.SO_TYPE)==socket.SOCK_RAW)\n"
            "a.sendto(b'ospf',('127.0.0.1',0)); b,peer=a.recvfrom(100); print(b[20:],peer,b[9])\n")
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]).splitlines(),
                         ["b'moat' ('127.0.0.1', 4000)", "('0.0.0.0', 89) True",
                          "b'ospf' ('127.0.0.1', 0) 89"])

    def test_only_the_privileged_may(self):
        script = ("import socket,os\nos.setuid(1000)\n"
                  "try: socket.socket(socket.AF_INET,socket.SOCK_RAW,1)\n"
                  "except PermissionError: print('refused')\n")
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]), "refused\n")


class PacketSockets(ProgramCase):
    """Frames of the container's own interfaces, for those who have CAP_NET_RAW."""

    def test_arping(self):
        client = addresses(4)[0]
        # Each ends with the first answer, and asks until then.
        output = self.run_inside(
            ["/bin/sh", "-c", "for n in 1 2 3; do %s arping -f -c 80 -I eth0 %s || exit 1; done" % (
                need("busybox"), client)])
        self.assertEqual(output.count("Unicast reply from " + client), 3, output)

    def test_what_is_seen_of_a_ping(self):
        peer = addresses(4)[0]
        script = (
            "import socket,subprocess\n"
            "s=socket.socket(socket.AF_PACKET,socket.SOCK_DGRAM,socket.htons(0x0800)); s.settimeout(60)\n"
            "a=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3)); a.bind(('eth0',0)); a.settimeout(60)\n"
            "subprocess.run(['%s','ping','-c','1','%s'],stdout=subprocess.DEVNULL,check=True)\n"
            "b,who=s.recvfrom(2000); print(who[0],hex(who[1]),who[2],who[3],len(who[4]),b[9],b[20])\n"
            "kinds=set()\n"
            "while len(kinds)<2:\n"
            "  b,who=a.recvfrom(2000)\n"
            "  if b[12:14]==b'\\x08\\0' and b[23]==1: kinds.add((b[34],who[2],who[4]==b[6:12]))\n"
            "print(sorted(kinds))\n" % (need("busybox"), peer))
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]).splitlines(),
                         ["eth0 0x800 0 1 6 1 0", "[(0, 0, True), (8, 4, True)]"])

    def test_a_frame_of_any_kind_reaches_the_other_side(self):
        script = ("import socket\n"
                  "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(0x88b5)); s.bind(('eth0',0))\n"
                  "%s")
        receive = "s.settimeout(60); print('ready',flush=True); b,a=s.recvfrom(2000); print(b[12:].hex(),a[2])"
        frame = "s.send(b'\\xff'*6+s.getsockname()[4]+bytes.fromhex('88b5')+b'moat'*12)"
        here = self.start_on_client(["/usr/bin/python3", "-c", script.replace("eth0", "veth0") % receive])
        eventually(lambda: "ready" in here.output(), here.output)
        self.run_inside(["/usr/bin/python3", "-c", script % frame])
        self.assertEqual(here.wait(60), 0, here.output())
        self.assertIn("88b5" + b"moat".hex() * 12 + " 1", here.output())
        there = self.container(["/usr/bin/python3", "-c", script % receive]).start()
        eventually(lambda: "ready" in there.process.output(), there.diagnosis)
        self.on_client(["/usr/bin/python3", "-c", script.replace("eth0", "veth0") % frame])
        self.assertEqual(there.process.wait(60), 0, there.diagnosis())
        self.assertIn("88b5" + b"moat".hex() * 12 + " 1", there.process.output())

    def test_a_connection_over_loopback_is_seen(self):
        script = ("import socket\n"
                  "s=socket.socket(socket.AF_PACKET,socket.SOCK_DGRAM,socket.htons(0x0800)); s.settimeout(60)\n"
                  "s.bind(('lo',0)); l=socket.create_server(('127.0.0.1',8000))\n"
                  "c=socket.create_connection(('127.0.0.1',8000)); c.sendall(b'moat!'); c.close()\n"
                  "while b'moat!' not in s.recv(70000): pass\n"
                  "print('seen')\n")
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]), "seen\n")

    def test_an_address_from_a_dhcp_server(self):
        lease = os.path.join(self.files, "leases-%d" % os.getpid())
        server = self.start_on_client([
            need("dnsmasq"), "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=veth0",
            "--bind-interfaces", "--dhcp-range=10.77.0.50,10.77.0.60,1h", "--dhcp-leasefile=" + lease,
            "--dhcp-authoritative", "--no-ping", "--pid-file=", "--user=root"])
        eventually(lambda: "started" in server.output(), server.output)
        report = os.path.join(self.files, "udhcpc-report")
        with open(report, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n[ \"$1\" = bound ] && echo bound $ip $subnet\nexit 0\n")
        os.chmod(report, 0o755)
        output = self.run_inside([need("busybox"), "udhcpc", "-f", "-q", "-n", "-t", "10", "-T", "2", "-i", "eth0",
                                  "-s", report])
        self.assertRegex(output, r"bound 10\.77\.0\.(5[0-9]|60) 255\.255\.255\.0")

    def test_only_the_privileged_may(self):
        script = ("import socket,os\nos.setuid(1000)\n"
                  "try: socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3))\n"
                  "except PermissionError: print('refused')\n")
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]), "refused\n")


@expand
class FastOpen(ProgramCase):
    """Data on the SYN (RFC 7413), between a container and the kernel; the counters of both sides tell."""

    HELPERS = (
        "import socket,sys\n"
        "MSG_FASTOPEN,TCP_FASTOPEN,TCP_FASTOPEN_CONNECT,TCP_FASTOPEN_KEY=0x20000000,23,30,33\n"
        "def listen(family,address,key=None):\n"
        "  l=socket.socket(family); l.setsockopt(6,TCP_FASTOPEN,5)\n"
        "  l.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"
        "  if key: l.setsockopt(6,TCP_FASTOPEN_KEY,key)\n"
        "  l.bind((address,7000)); l.listen(); print('ready',flush=True); return l\n"
        "def serve(l,count):\n"
        "  for _ in range(count):\n"
        "    c,_=l.accept(); c.settimeout(60); print('got',c.recv(100).decode(),flush=True); c.sendall(b'bye'); c.recv(1); c.close()\n"
        "def ask(s):\n"
        "  s.settimeout(60); print(s.recv(100).decode(),flush=True); s.close()\n")

    def kernel(self, argument):
        """Switches Fast Open on in the client's namespace, and returns its TcpExt counters when asked."""
        script = ("import sys\n"
                  "if sys.argv[1]=='on': open('/proc/sys/net/ipv4/tcp_fastopen','w').write('3')\n"
                  "names,values=[l.split()[1:] for l in open('/proc/net/netstat') if l.startswith('TcpExt')]\n"
                  "print(*(n+'='+v for n,v in zip(names,values) if 'FastOpen' in n))\n")
        words = self.client_run(["/usr/bin/python3", "-c", script, argument]).split()
        return {name: int(value) for name, value in (word.split("=") for word in words)}

    def stack_counters(self, made):
        lines = made.moatctl(made.id, "nstat").stdout.decode().splitlines()
        return {line.split()[0]: int(line.split()[1]) for line in lines if "FastOpen" in line}

    @both_versions
    def test_a_client_sends_data_on_its_syn(self, client, server):
        del server
        self.kernel("on")
        family = "socket.AF_INET6" if ":" in client else "socket.AF_INET"
        peer = self.start_on_client(["/usr/bin/python3", "-c", self.HELPERS + (
            "serve(listen(%s,'%s'),4)\n" % (family, client))])
        eventually(lambda: "ready" in peer.output(), peer.output)
        output = self.run_inside(["/usr/bin/python3", "-c", self.HELPERS + (
            "to=('%s',7000)\n"
            "def fresh(): return socket.socket(%s)\n"
            "s=fresh(); print(s.sendto(b'asks for a cookie',MSG_FASTOPEN,to)); ask(s)\n"
            "s=fresh(); print(s.sendto(b'has one',MSG_FASTOPEN,to)); ask(s)\n"
            "s=fresh(); print(s.sendmsg([b'in two ',b'pieces'],[],MSG_FASTOPEN,to)); ask(s)\n"
            "s=fresh(); s.setsockopt(6,TCP_FASTOPEN_CONNECT,1); s.connect(to); s.sendall(b'connects'); ask(s)\n" % (client, family))])
        self.assertEqual(peer.wait(60), 0, peer.output())
        self.assertEqual(output.split(), ["17", "bye", "7", "bye", "13", "bye", "bye"])
        self.assertIn("got asks for a cookie\ngot has one\ngot in two pieces\ngot connects", peer.output())
        counters = self.kernel("show")
        self.assertEqual(counters["TCPFastOpenPassive"], 3, counters)
        self.assertEqual(counters["TCPFastOpenCookieReqd"], 1, counters)

    @both_versions
    def test_a_server_takes_data_from_the_syn(self, client, server):
        self.kernel("on")
        family = "socket.AF_INET6" if ":" in client else "socket.AF_INET"

        def start():
            made = self.container(["/usr/bin/python3", "-c", self.HELPERS + (
                "serve(listen(%s,'%s',bytes(range(16))),2)\n"
                "import time; time.sleep(600)\n" % (family, server))]).start()
            eventually(lambda: "ready" in made.process.output(), made.diagnosis)
            made.moatctl(made.id, "sysctl", "net.ipv4.tcp_fastopen=3")
            return made

        def talk():
            return self.client_run(["/usr/bin/python3", "-c", self.HELPERS + (
                "for text in (b'first',b'second'):\n"
                "  s=socket.socket(%s); s.sendto(text,MSG_FASTOPEN,('%s',7000)); ask(s)\n" % (family, server))])

        first = start()
        self.assertEqual(talk(), "bye\nbye\n")
        self.assertIn("got first\ngot second", first.process.output())
        counters = self.stack_counters(first)
        self.assertEqual(counters["TcpExtTCPFastOpenCookieReqd"], 1, counters)
        self.assertEqual(counters["TcpExtTCPFastOpenPassive"], 1, counters)
        self.assertEqual(self.kernel("show")["TCPFastOpenActive"], 1)
        first.moat("delete", "--force", first.id)
        # Another one with the same key takes the cookie that the first one gave.
        second = start()
        self.assertEqual(talk(), "bye\nbye\n")
        counters = self.stack_counters(second)
        self.assertEqual(counters["TcpExtTCPFastOpenPassive"], 2, counters)
        self.assertEqual(self.kernel("show")["TCPFastOpenActive"], 3)


class Router(ProgramCase):
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


class Pod(ProgramCase):
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


class Interfaces(ProgramCase):
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


class SocketStatistics(ProgramCase):
    """ss(8) inside a container says what it says under the kernel, next to the same program."""

    COMMANDS = (
        "ss -Htlnp", "ss -Htan", "ss -Htanp", "ss -Huanp", "ss -Huln", "ss -Htn 'sport = :8080'",
        "ss -Htan 'sport = :8080 or sport = :8081'", "ss -Htn dst 127.0.0.0/8 dport = :8080",
        "ss -Htan not dst 127.0.0.1 and sport gt :40000", "ss -Htan state listening",
        "ss -Htan src [::1]", "ss -H4tln", "ss -H6tln", "ss -Htln dev eth0", "ss -Hwan")

    def show(self, runner, commands):
        """{command: its lines, sorted, without what differs from process to process}."""
        script = os.path.join(self.files, "show_sockets.py")
        output = runner(["/usr/bin/python3", script, addresses(4)[0], "9000"] + list(commands))
        answers = {}
        for part in output.split("=== ")[1:]:
            command, *lines = part.splitlines()
            answers[command] = sorted(re.sub(r" +", " ", re.sub(r"pid=\d+", "pid=N", line)).strip()
                                      for line in lines if line)
        return answers

    def under_the_kernel(self, argv):
        return run([need("ip"), "netns", "exec", self.world.sandbox] + argv).stdout.decode()

    def listen_on_client(self):
        self.start_on_client(["/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0", "9000"])
        self.wait_for_port("127.0.0.1", 9000)

    def test_as_under_the_kernel(self):
        self.listen_on_client()
        expected = self.show(self.under_the_kernel, self.COMMANDS)
        self.assertIn("pid=N", "".join(expected["ss -Htlnp"]))
        found = self.show(self.run_inside, self.COMMANDS)
        for command in self.COMMANDS:
            with self.subTest(command):
                self.assertEqual(found[command], expected[command])

    def test_details_of_a_connection(self):
        self.listen_on_client()
        command = "ss -Htni dport = :9000"
        details = " ".join(self.show(self.run_inside, [command])[command])
        for word in ("cubic", "wscale:", "rtt:", "mss:", "cwnd:", "bytes_sent:5"):
            self.assertIn(word, details)
        memory = "ss -Htnme sport = :8080"
        self.assertIn("skmem:(", " ".join(self.show(self.run_inside, [memory])[memory]))

    def test_user_and_inode(self):
        script = ("import os,socket,subprocess\n"
                  "os.setuid(33)\n"
                  "s = socket.socket(); s.bind(('', 8080)); s.listen()\n"
                  "print(os.readlink('/proc/self/fd/%d' % s.fileno()), flush=True)\n"
                  "subprocess.run(['ss', '-Htlne'])\n")
        output = self.run_inside(["/usr/bin/python3", "-c", script])
        inode = output.split("socket:[")[1].split("]")[0]
        self.assertIn("ino:%s " % inode, output)
        self.assertIn("uid:33 ", output)

    def test_a_dump_that_is_larger_than_the_sockets_queue(self):
        script = ("import socket,subprocess\n"
                  "s = socket.socket(); s.bind(('', 8080)); s.listen(10)\n"
                  "kept = [s]\n"
                  "for i in range(1000):\n"
                  "  kept += [socket.create_connection(('127.0.0.1', 8080)), s.accept()[0]]\n"
                  "show = lambda *a: subprocess.run(['ss'] + list(a), stdout=-1).stdout.splitlines()\n"
                  "print('all', len(show('-Htane')), 'some', len(show('-Htn', 'sport = :8080')))\n")
        self.assertIn("all 2001 some 1000", self.run_inside(["/usr/bin/python3", "-c", script]))

    def test_unix_sockets_are_the_kernels(self):
        script = ("import socket,subprocess\n"
                  "a, b = socket.socketpair(); t = socket.socket()\n"
                  "s = socket.socket(socket.AF_UNIX); s.bind('\\0moat-test'); s.listen()\n"
                  "print(subprocess.run(['ss', '-Hxa'], stdout=-1).stdout.decode())\n")
        lines = self.run_inside(["/usr/bin/python3", "-c", script]).splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("u_str")]), 3, lines)
        self.assertIn("@moat-test", "".join(lines))

    def test_a_connection_is_killed(self):
        self.listen_on_client()
        script = ("import socket,subprocess\n"
                  "c = socket.create_connection(('%s', 9000))\n"
                  "subprocess.run(['ss', '-HtnK', 'dport = :9000'], stdout=-1)\n"
                  "try: print('read', c.recv(1))\n"
                  "except OSError as error: print(type(error).__name__)\n"
                  "print('left', subprocess.run(['ss', '-Htn'], stdout=-1).stdout)\n")
        argv = ["/usr/bin/python3", "-c", script % addresses(4)[0]]

        def privileged(configuration):
            capabilities = configuration["process"]["capabilities"]
            for kind, names in capabilities.items():
                capabilities[kind] = names + ["CAP_NET_ADMIN"]

        made = self.container(argv, edit=privileged)
        code, output = made.run(240)
        self.assertEqual(code, 0, made.diagnosis())
        self.assertIn("ConnectionResetError", output)
        self.assertIn("left b''", output)


del ProgramCase
