"""What programs do with sockets beyond streams: datagrams, raw and packet sockets, Fast Open, and ss(8), which shows them."""

import os
import re

from harness.moat_case import MoatCase
from harness.process import eventually, need, run
from harness.program_cases import both_versions, expand
from harness.world import addresses


class Datagrams(MoatCase):
    def test_one_that_is_larger_than_the_receive_buffer(self):
        script = ("import socket,select\n"
                  "r=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); r.bind(('127.0.0.1',5000))\n"
                  "r.setsockopt(socket.SOL_SOCKET,socket.SO_RCVBUF,1)\n"
                  "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.sendto(b'x'*60000,('127.0.0.1',5000))\n"
                  "print(bool(select.select([r],[],[],60)[0]),len(r.recv(65536)))\n")
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script]), "True 60000\n")


class RawSockets(MoatCase):
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


class PacketSockets(MoatCase):
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
class FastOpen(MoatCase):
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


class SocketStatistics(MoatCase):
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
