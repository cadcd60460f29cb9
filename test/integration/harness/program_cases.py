"""What unmodified programs are asked to do, as servers and as clients in a container, over IPv4 and IPv6.

The cases say nothing of how the container is made: that is the test class they are mixed into
(programs_test.py, docker_programs_test.py), which provides:

    files                       a directory that containers and clients see, with programs/ in it
    seconds                     how long a load lasts
    addresses(version)          (client, server): of the host outside, and of the container as it is reached
    listen_address(server)      what a server is to be bound to
    container(argv)             with start(), run(), exec(), alive(), diagnosis(), address(version)
    serve(argv, port, server)   a started container that listens on port
    client_run(argv), on_client(argv), start_on_client(argv), wait_for_port(address, port): outside
"""

import os
import shutil
import subprocess
import tempfile

from harness.process import eventually, need, run
from harness.world import url

PROGRAMS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "programs")
NGINX = """
daemon off; worker_processes 2; error_log stderr; pid /run/nginx.pid;
events { worker_connections 512; }
http { access_log off; server { listen 8080 reuseport; listen [::]:8080 reuseport;
  location / { return 200 "hello from nginx\\n"; } location /big { root /srv; } } }
"""


def make_files():
    """A temporary directory with everything of programs/ that is a file; the caller removes it."""
    files = tempfile.mkdtemp(prefix="moat-programs-")
    for name in os.listdir(PROGRAMS):
        source = os.path.join(PROGRAMS, name)
        if os.path.isfile(source):
            shutil.copy(source, files)
    return files


def both_versions(function):
    """Makes test_x into test_x_ipv4 and test_x_ipv6."""
    function.both_versions = True
    return function


def expand(cls):
    for name, function in list(vars(cls).items()):
        if getattr(function, "both_versions", False):
            delattr(cls, name)
            for version in (4, 6):
                def case(self, function=function, version=version):
                    function(self, *self.addresses(version))
                case.__name__ = "%s_ipv%d" % (name, version)
                setattr(cls, case.__name__, case)
    return cls


class ProgramRun:
    """What both kinds of cases use."""

    def client_run(self, argv, **options):
        return self.on_client(argv, **options).stdout.decode()

    def run_inside(self, argv, expect_code=0):
        made = self.container(argv)
        code, output = made.run(240)
        self.assertEqual(code, expect_code, made.diagnosis())
        return output

    def start_name_server(self, address):
        """programs/dns_server.py outside; it answers when this returns."""
        server = self.start_on_client(
            ["/usr/bin/python3", os.path.join(self.files, "dns_server.py"), address, "53"])
        eventually(lambda: "ready" in server.output(), server.output)

    @classmethod
    def go_program(cls):
        path = os.path.join(cls.files, "go_http_bin")
        if not os.path.exists(path):
            environment = dict(os.environ, CGO_ENABLED="0", GOCACHE=os.path.join(cls.files, "gocache"),
                               HOME=cls.files, GOFLAGS="-mod=mod", GO111MODULE="off")
            subprocess.run([shutil.which("go", path="/usr/local/go/bin:/usr/bin") or need("go"),
                            "build", "-o", path, os.path.join(PROGRAMS, "go_http", "main.go")],
                           check=True, env=environment, timeout=300)
        return path


@expand
class Servers(ProgramRun):
    """The program in the container serves a client outside."""

    def fetch(self, address, port, path="/"):
        return self.client_run([need("curl"), "-sS", "--max-time", "60", url(address, port, path)])

    @both_versions
    def test_nginx(self, client, server):
        conf = os.path.join(self.files, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(NGINX)
        self.serve([need("nginx"), "-c", conf, "-p", "/tmp"], 8080, server)
        self.assertEqual(self.fetch(server, 8080), "hello from nginx\n")
        output = self.client_run([need("wrk"), "-t1", "-c16", "-d%ds" % self.seconds, "--timeout", "60s",
                                  url(server, 8080)])
        self.assertNotIn("Socket errors", output)
        self.assertRegex(output, r"[1-9]\d* requests in")

    @both_versions
    def test_redis(self, client, server):
        self.serve([need("redis-server"), "--port", "6379", "--bind", "0.0.0.0", "::",
                    "--protected-mode", "no", "--save", ""], 6379, server)
        output = self.client_run([need("redis-benchmark"), "-h", server, "-t", "set,get,lpush,lrange_100",
                                  "-n", "5000", "-c", "20", "-q"])
        for name in ("SET:", "GET:", "LPUSH", "LRANGE_100"):
            self.assertIn(name, output)
        self.assertNotIn("rror", output)
        pipelined = self.client_run([need("redis-benchmark"), "-h", server, "-t", "get", "-n", "50000",
                                     "-P", "16", "-q"])
        self.assertIn("GET:", pipelined)

    @both_versions
    def test_memcached(self, client, server):
        self.serve([need("memcached"), "-u", "root", "-p", "11211", "-l",
                    self.listen_address(server)], 11211, server)
        script = ("import socket,sys;s=socket.create_connection((sys.argv[1],11211),60);"
                  "f=s.makefile('rwb');v=b'x'*100000;"
                  "f.write(b'set k 0 0 100000\\r\\n'+v+b'\\r\\n');f.flush();"
                  "assert f.readline()==b'STORED\\r\\n';f.write(b'get k\\r\\n');f.flush();"
                  "assert f.readline()==b'VALUE k 0 100000\\r\\n';assert f.read(100000)==v;print('same')")
        self.assertEqual(self.client_run(["/usr/bin/python3", "-c", script, server]), "same\n")

    @both_versions
    def test_python_asyncio(self, client, server):
        echo = os.path.join(self.files, "asyncio_echo.py")
        self.serve(["/usr/bin/python3", echo, "serve", self.listen_address(server), "7000"], 7000, server)
        output = self.client_run(
            ["/usr/bin/python3", echo, "talk", server, "7000", "50", "200000"])
        self.assertEqual(output, "echoed 50 connections of 200000 bytes\n")

    @both_versions
    def test_node(self, client, server):
        self.serve([need("node"), os.path.join(self.files, "http_server.js"), "::", "8000"], 8000, server)
        self.assertEqual(self.fetch(server, 8000), "hello from node\n")
        self.assertEqual(len(self.fetch(server, 8000, "/big")), 1 << 20)

    @both_versions
    def test_go(self, client, server):
        self.serve([self.go_program(), "serve", ":8000"], 8000, server)
        self.assertEqual(self.fetch(server, 8000), "hello from go to %s\n" % client)
        output = self.client_run([self.go_program(), "fetch", url(server, 8000, "/big"), "40", "8"])
        self.assertEqual(output, "fetched 40 requests, %d bytes\n" % (40 << 20))

    @both_versions
    def test_java(self, client, server):
        self.serve([need("java"), "-Xmx128m", os.path.join(self.files, "Main.java"), "8000"],
                   8000, server)
        self.assertEqual(self.fetch(server, 8000), "hello from java\n")

    def iperf3(self, made, number, server, *options):
        """What the client prints. The server counts what connects, the probe for its port as well. It ends a test after
        its client has left, and replaces its listener then: who connects earlier is refused, reset or told to wait."""
        eventually(lambda: "(test #%d)" % number in made.diagnosis(), made.diagnosis)
        return self.client_run([need("iperf3"), "-c", server, "-t", str(self.seconds)] + list(options))

    @both_versions
    def test_iperf3(self, client, server):
        made = self.serve([need("iperf3"), "-s", "--forceflush"], 5201, server)
        for number, direction in ((2, []), (3, ["-R"])):
            output = self.iperf3(made, number, server, "-P", "2", *direction)
            self.assertRegex(output, r"\[SUM\].*sec.*bits/sec.*receiver")
        self.assertRegex(self.iperf3(made, 4, server, "-u", "-b", "20M"), r"receiver")

    @both_versions
    def test_sshd(self, client, server):
        keys = os.path.join(self.files, "ssh%s" % ("6" if ":" in server else "4"))
        os.mkdir(keys, 0o700)
        for name in ("host", "user"):
            run([need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(keys, name)])
        os.rename(os.path.join(keys, "user.pub"), os.path.join(keys, "authorized"))
        start = ("mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f /dev/null -p 2222 "
                 "-h %s/host -o AuthorizedKeysFile=%s/authorized -o StrictModes=no "
                 "-o PermitRootLogin=yes -o UsePAM=no -o PidFile=none" % (keys, keys))
        made = self.serve(["/bin/sh", "-c", start], 2222, server)
        done = self.on_client(
            [need("ssh"), "-p", "2222", "-i", os.path.join(keys, "user"), "-F", "/dev/null",
             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", "root@" + server,
             "echo over ssh; head -c 300000 /dev/zero | wc -c; exit 7"], check=False)
        self.assertEqual(done.returncode, 7, done.stderr.decode() + made.diagnosis())
        self.assertEqual(done.stdout.decode(), "over ssh\n300000\n")


@expand
class Clients(ProgramRun):
    """The program in the container asks a server outside, whose sockets are the kernel's."""

    def start_web_server(self, client):
        files = os.path.join(self.files, "www")
        os.makedirs(files, exist_ok=True)
        with open(os.path.join(files, "big"), "wb") as out:
            out.write(b"0123456789abcdef" * (1 << 17))
        with open(os.path.join(files, "index.html"), "w", encoding="utf-8") as out:
            out.write("hello from outside\n")
        self.start_on_client(["/usr/bin/python3", "-m", "http.server", "--bind", client,
                                    "--directory", files, "8000"])
        self.wait_for_port(client, 8000)

    @both_versions
    def test_curl(self, client, server):
        self.start_web_server(client)
        self.assertEqual(self.run_inside([need("curl"), "-sS", url(client, 8000)]), "hello from outside\n")
        output = self.run_inside(
            ["/bin/sh", "-c", "curl -sS %s | wc -c" % url(client, 8000, "/big")])
        self.assertEqual(output.strip(), str(1 << 21))

    @both_versions
    def test_connection_refused(self, client, server):
        script = ("import socket,sys,errno\n"
                  "try: socket.create_connection((sys.argv[1], 9), 60)\n"
                  "except OSError as e: print(errno.errorcode[e.errno])\n")
        self.run_inside([need("curl"), "-sS", url(client, 9)], expect_code=7)
        self.assertEqual(self.run_inside(["/usr/bin/python3", "-c", script, client]), "ECONNREFUSED\n")

    @both_versions
    def test_busybox_wget(self, client, server):
        self.start_web_server(client)
        self.assertEqual(self.run_inside([need("busybox"), "wget", "-q", "-O", "-", url(client, 8000)]),
                         "hello from outside\n")

    @both_versions
    def test_busybox_ping(self, client, server):
        output = self.run_inside([need("busybox"), "ping", "-c", "3", "-i", "0.2", "-W", "30", client])
        self.assertIn("3 packets received", output)

    @both_versions
    def test_ping_from_outside(self, client, server):
        made = self.container(["/bin/sleep", "60"]).start()
        output = self.client_run([need("ping"), "-c", "3", "-i", "0.2", "-w", "60",
                                  made.address(6 if ":" in server else 4)])
        self.assertRegex(output, r"[1-9]\d* received")

    @both_versions
    def test_dig(self, client, server):
        self.start_name_server(client)
        output = self.run_inside([need("dig"), "@" + client, "+short", "+tries=5", "www.example.test", "A"])
        self.assertEqual(output.strip(), "192.0.2.53")

    @both_versions
    def test_python_asyncio(self, client, server):
        echo = os.path.join(self.files, "asyncio_echo.py")
        self.start_on_client(["/usr/bin/python3", echo, "serve", client, "7000"])
        self.wait_for_port(client, 7000)
        output = self.run_inside(["/usr/bin/python3", echo, "talk", client, "7000", "50", "200000"])
        self.assertEqual(output, "echoed 50 connections of 200000 bytes\n")

    @both_versions
    def test_go(self, client, server):
        program = self.go_program()
        self.start_on_client([program, "serve", ":8000"])
        self.wait_for_port(client, 8000)
        output = self.run_inside([program, "fetch", url(client, 8000, "/big"), "40", "8"])
        self.assertEqual(output, "fetched 40 requests, %d bytes\n" % (40 << 20))
