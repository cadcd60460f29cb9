"""`docker run --runtime=moat`: published ports, exec, stop, exit codes, output, signals, terminal, networks."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness.docker import BRIDGE4
from harness.docker_case import DockerCase, start_docker, stop_docker
from harness.process import eventually, need, text
from harness.program_cases import ProgramRun

WEB = ["/usr/bin/python3", "-m", "http.server", "--directory", "/srv"]


def setUpModule():
    start_docker()


def tearDownModule():
    stop_docker()


class DockerHelpers(ProgramRun, DockerCase):
    def curl(self, address):
        return self.client_run([need("curl"), "-sS", "--max-time", "60", address])

    def web(self, options=()):
        """Something that listens on port 80, published as 8080, on both versions of IP."""
        made = self.container(WEB + ["--bind", "::", "80"], ["-p", "8080:80", *options]).start()
        self.wait_for_port(made.address(4), 80, made.alive)
        return made

    def started(self, argv, options=()):
        """A container whose program has printed "ready"."""
        made = self.container(argv, options).start()
        eventually(lambda: "ready" in made.output(), "the container did not start")
        return made


class DockerRun(DockerHelpers):
    def test_published_port(self):
        self.web()
        for address in ("127.0.0.1", BRIDGE4, "[::1]"):
            self.assertIn("Directory listing", self.curl("http://%s:8080/" % address))

    def test_exec(self):
        made = self.web()
        inside = made.exec(["/usr/bin/curl", "-sS", "http://127.0.0.1/"]).stdout
        self.assertIn(b"Directory listing", inside)
        self.assertEqual(made.exec(["/busybox", "sh", "-c", "exit 5"], check=False).returncode, 5)

    def test_two_containers_talk(self):
        made = self.web()
        code, output = self.container(["/usr/bin/curl", "-sS", "http://%s/" % made.address(4)]).run()
        self.assertEqual(code, 0, output)
        self.assertIn("Directory listing", output)

    def test_stop_interrupts_a_blocking_accept(self):
        made = self.started(["/usr/bin/python3", "-c",
                             "import signal,socket,sys\n"
                             "signal.signal(signal.SIGTERM, lambda *a: sys.exit(4))\n"
                             "s=socket.create_server(('', 80)); print('ready', flush=True); s.accept()\n"])
        self.docker.docker("stop", "-t", "60", made.name)
        self.assertEqual(made.wait(), 4)

    def test_network_connect_while_running(self):
        made = self.web()
        self.docker.docker("network", "create", "--subnet", "172.30.78.0/24", "second")
        self.addCleanup(self.docker.docker, "network", "rm", "second", check=False)
        self.docker.docker("network", "connect", "--ip", "172.30.78.9", "second", made.name)
        self.wait_for_port("172.30.78.9", 80)
        self.assertIn("Directory listing", self.curl("http://172.30.78.9/"))
        self.docker.docker("network", "disconnect", "second", made.name)
        self.assertIn("Directory listing", self.curl("http://127.0.0.1:8080/"))

    def test_pause(self):
        made = self.web()
        self.docker.docker("pause", made.name)
        self.docker.docker("unpause", made.name)
        self.assertIn("Directory listing", self.curl("http://127.0.0.1:8080/"))


class AsUnderRunc(DockerHelpers):
    """What Docker and its users see of a container is what they see under runc."""

    def outcome(self, runtime, options, command, **more):
        """(exit code, stdout, stderr) of `docker run --rm`; the messages of a failed start left out."""
        done = self.docker.docker(*self.docker.run_arguments("--rm", *options, runtime=runtime), *command,
                                  check=False, **more)
        stderr = text(done.stderr)
        return done.returncode, text(done.stdout), "refused" if "docker:" in stderr else stderr

    def check_same(self, options, command, **more):
        moat = self.outcome("moat", options, command, **more)
        self.assertEqual(moat, self.outcome("runc", options, command, **more))
        return moat

    def test_exit_codes(self):
        for command, code in (
                (["/busybox", "true"], 0), (["/busybox", "sh", "-c", "exit 3"], 3),
                (["/busybox", "sh", "-c", "exit 255"], 255),
                (["/usr/bin/python3", "-c", "import os; os.abort()"], None),
                (["/nonexistent"], 127), (["/etc/passwd"], 126)):
            with self.subTest(command=command):
                seen = self.check_same([], command)[0]
                if code is not None:
                    self.assertEqual(seen, code)

    def test_output_and_input(self):
        script = "echo out; echo err >&2; cat; echo last"
        self.assertEqual(self.check_same(["-i"], ["/busybox", "sh", "-c", script], stdin=b"through\n"),
                         (0, "out\nthrough\nlast\n", "err\n"))

    def test_user_limits_and_surroundings(self):
        script = ("id; pwd; echo $A; hostname; ulimit -n; umask; cat /proc/self/oom_score_adj; "
                  "grep -E 'Cap|NoNewPrivs|Groups' /proc/self/status; ls /dev /proc/self/fd; cat /proc/1/cmdline; "
                  "grep -v -E '^(nameserver|#)' /etc/resolv.conf; mount | grep -c -E 'proc|sysfs'")
        self.check_same(["--user", "1000:1000", "--group-add", "7", "-w", "/tmp", "-e", "A=b", "-h", "box",
                         "--ulimit", "nofile=99", "--memory", "64m", "--pids-limit", "50",
                         "--oom-score-adj", "300", "--cap-drop", "CHOWN"],
                        ["/busybox", "sh", "-c", script])

    def test_privileged_and_read_only(self):
        script = "touch /x; grep Cap /proc/self/status; grep Seccomp: /proc/self/status"
        self.check_same(["--read-only"], ["/busybox", "sh", "-c", script])
        self.check_same(["--privileged"], ["/busybox", "sh", "-c", "touch /x; grep Cap /proc/self/status"])

    def test_signals(self):
        script = ("trap 'echo got usr1' USR1; trap 'echo got term; exit 9' TERM; echo ready; "
                  "while :; do sleep 0.1; done")
        seen = {}
        for runtime in ("moat", "runc"):
            made = self.started(["/busybox", "sh", "-c", script], ["--runtime=" + runtime])
            self.docker.docker("kill", "-s", "USR1", made.name)
            eventually(lambda: "usr1" in made.output(), "no USR1")
            self.docker.docker("stop", "-t", "60", made.name)
            code = made.wait()
            eventually(lambda: "term" in made.output(), "no TERM")
            seen[runtime] = (code, made.output())
        self.assertEqual(seen["moat"], (9, "ready\ngot usr1\ngot term\n"))
        self.assertEqual(seen["moat"], seen["runc"])

    def test_killed_container_reports_the_signal(self):
        made = self.container(["/busybox", "sleep", "60"]).start()
        self.docker.docker("kill", made.name)
        self.assertEqual(made.wait(), 137)

    def test_terminal(self):
        """`docker run -it` on a terminal that changes its size and sends an interrupt."""
        seen = {runtime: self.terminal_session(runtime) for runtime in ("moat", "runc")}
        self.assertEqual(seen["moat"], ["/dev/pts/0", "ready", "^Cinterrupted"])
        self.assertEqual(seen["moat"], seen["runc"])

    def terminal_session(self, runtime):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        script = ("tty; trap 'echo interrupted; exit 3' INT; trap 'echo size $(stty size 2>/dev/null)' WINCH; "
                  "echo ready; while :; do sleep 0.1; done")
        client = subprocess.Popen(
            self.docker.command(*self.docker.run_arguments("--rm", "-it", runtime=runtime),
                                "/busybox", "sh", "-c", script),
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        output = ""

        def read_until(wanted, prompt=lambda: None):
            nonlocal output
            end = time.monotonic() + 60
            closed = False
            while wanted not in output:
                if closed or time.monotonic() > end:
                    self.fail("%s: no %r on the terminal: %r" % (runtime, wanted, output))
                prompt()
                if select.select([ours], [], [], 0.1)[0]:
                    try:
                        output += os.read(ours, 4096).decode()
                    except OSError:  # EIO: the other side is closed
                        closed = True

        try:
            read_until("ready")
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
            # The client listens for the signal only some time after the container has started: one that comes
            # before is lost.
            read_until("size 30 100", prompt=lambda: client.send_signal(signal.SIGWINCH))
            os.write(ours, b"\x03")
            read_until("interrupted")
            self.assertEqual(client.wait(60), 3)
        finally:
            client.kill()
            client.wait()
            os.close(ours)
        # How often, and when, the client tells the size at its start is chance.
        return [line for line in re.sub(r"size[ \d]*\r\n", "", output).split("\r\n") if line]


class SharedNetwork(DockerHelpers):
    """`docker run --network container:ID`: the second container is served by the first one's sentry."""

    def test_second_container_shares_the_first_ones_network(self):
        made = self.web()
        join = ["--network", "container:" + made.name]
        code, output = self.container(["/usr/bin/curl", "-sS", "http://127.0.0.1/"], join).run()
        self.assertEqual(code, 0, output)
        self.assertIn("Directory listing", output)
        second = self.container(WEB + ["--bind", "0.0.0.0", "81"], join).start()
        self.wait_for_port(made.address(4), 81, second.alive)
        # Each sees the other's port as taken, and exec reaches the same network.
        code, output = self.container(WEB + ["--bind", "0.0.0.0", "81"], join).run()
        self.assertIn("Address already in use", output)
        listed = second.exec(["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/80 && echo reached"]).stdout
        self.assertEqual(listed, b"reached\n")
        # The second one's end does not touch the first one.
        second.close()
        self.assertIn("Directory listing", self.curl("http://127.0.0.1:8080/"))
        # The sentry closes its sockets when it sees that they are nobody's any more.
        eventually(lambda: self.refused(made.address(4), 81), "port 81 is still served")

    def refused(self, address, port):
        probe = "import socket,sys; sys.exit(socket.socket().connect_ex(('%s', %d)) != 111)" % (address, port)
        return self.on_client(["/usr/bin/python3", "-c", probe], check=False).returncode == 0

    def test_network_of_a_container_of_another_runtime(self):
        made = self.container(["/busybox", "sleep", "60"], ["--runtime=runc"]).start()
        code, output = self.container(["/busybox", "true"], ["--network", "container:" + made.name]).run()
        self.assertEqual(code, 125)
        self.assertRegex(output, "that of container %s, which does not run under moat"
                         % made.inspect(".Id"))


class EmbeddedDns(DockerHelpers):
    """On a network that a user defined, containers find each other by name."""

    def setUp(self):
        super().setUp()
        self.docker.docker("network", "create", "--subnet", "172.30.79.0/24", "named")
        self.addCleanup(self.docker.docker, "network", "rm", "named", check=False)

    def test_containers_resolve_each_other(self):
        first = self.container(WEB + ["--bind", "0.0.0.0", "80"],
                               ["--network", "named", "--network-alias", "web"]).start()
        second = self.started(["/busybox", "sh", "-c", "echo ready; sleep 100"], ["--network", "named"])
        address = first.inspect(".NetworkSettings.Networks.named.IPAddress")
        self.wait_for_port(address, 80, first.alive)
        for name in ("web", first.name):
            with self.subTest(name=name):
                page = second.exec(["/usr/bin/curl", "-sS", "--max-time", "60", "http://%s/" % name])
                self.assertIn(b"Directory listing", page.stdout)
        # glibc asks over a connected socket; dig and this program look at the sender.
        output = second.exec([need("dig"), "+short", "+tries=1", "+time=60", "web"]).stdout.decode()
        self.assertEqual(output.strip(), address)
        script = ("import socket,struct\n"
                  "q=struct.pack('>6H',7,0x100,1,0,0,0)+b'\\3web\\0\\0\\1\\0\\1'\n"
                  "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(60)\n"
                  "s.sendto(q,('127.0.0.11',53)); a,peer=s.recvfrom(512); print(peer,a[:2]==q[:2])\n"
                  "s.connect(('127.0.0.11',53)); print(s.getpeername())\n")
        seen = second.exec(["/usr/bin/python3", "-c", script]).stdout.decode()
        self.assertEqual(seen, "('127.0.0.11', 53) True\n('127.0.0.11', 53)\n")

    def test_names_of_the_outside_world(self):
        """dockerd asks from within the container's network, where only the stack may talk."""
        gateway = "172.30.79.1"
        self.start_name_server(gateway)
        made = self.started(["/busybox", "sh", "-c", "echo ready; sleep 100"],
                            ["--network", "named", "--dns", gateway])
        for name in ("www.example.test", "mail.example.test"):
            output = made.exec([need("dig"), "+short", "+tries=5", name]).stdout.decode()
            self.assertEqual(output.strip(), "192.0.2.53")
        looked_up = made.exec(["/usr/bin/python3", "-c",
                               "import socket; print(socket.gethostbyname('www.example.test'))"])
        self.assertEqual(looked_up.stdout.decode().strip(), "192.0.2.53")

    def test_a_container_may_serve_names_itself(self):
        script = ("import socket\n"
                  "socket.socket(socket.AF_INET,socket.SOCK_DGRAM).bind(('0.0.0.0',53))\n"
                  "print(len(socket.getaddrinfo('itself',80)) > 0)\n"
                  "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('127.0.0.11',53)); print('bound')\n")
        made = self.container(["/usr/bin/python3", "-c", script],
                              ["--network", "named", "--network-alias", "itself"])
        self.assertEqual(made.run(), (0, "True\nbound\n"))

    def test_without_a_resolver_the_address_is_like_others(self):
        script = ("import socket\n"
                  "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(60)\n"
                  "s.connect(('127.0.0.11',53)); s.send(b'x'*12)\n"
                  "try: s.recvfrom(10)\n"
                  "except ConnectionRefusedError: print('refused')\n")
        self.assertEqual(self.container(["/usr/bin/python3", "-c", script]).run(), (0, "refused\n"))
