"""`docker run --runtime=moat`: published ports, exec, stop, exit codes, output, signals, terminal."""

import time
import unittest

from harness.docker import Docker
from harness.process import need, text

PYTHON_SERVER = ["/usr/bin/python3", "-m", "http.server", "80", "--directory", "/srv"]


class DockerCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.docker = Docker().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.docker.close()

    def tearDown(self):
        listed = self.docker.docker("ps", "-aq").stdout.decode().split()
        if listed:
            self.docker.docker("rm", "-f", *listed, timeout=60)

    def run_container(self, options, argv, **more):
        return self.docker.docker(*self.docker.run_arguments(*options), *argv, **more)

    def curl(self, address, seconds=20):
        """Fetches from where the ports are published, until it answers."""
        end = time.monotonic() + seconds
        while True:
            done = self.docker.on_host([need("curl"), "-sS", "--max-time", "5", address], check=False)
            if done.returncode == 0:
                return done.stdout.decode()
            if time.monotonic() > end:
                logs = self.docker.docker("logs", self.name, check=False)
                self.fail("%s: %s\ncontainer: %s%s" % (
                    address, text(done.stderr), text(logs.stdout), text(logs.stderr)))
            time.sleep(0.2)

    def serve(self, argv, options=()):
        self.name = "web"
        self.run_container(["-d", "--name", self.name, "-p", "8080:80", *options], argv)

    def test_published_port(self):
        self.serve(PYTHON_SERVER)
        self.assertIn("Directory listing", self.curl("http://127.0.0.1:8080/"))
        self.assertIn("Directory listing", self.curl("http://172.30.77.1:8080/"))

    def test_published_port_over_ipv6(self):
        self.serve(PYTHON_SERVER + ["--bind", "::"])
        self.assertIn("Directory listing", self.curl("http://[::1]:8080/"))

    def test_published_nginx(self):
        conf = ("daemon off; pid /run/n.pid; error_log stderr; events {} "
                "http { access_log off; server { listen 80; return 200 nginx-in-docker; } }")
        self.serve(["/bin/sh", "-c", "mkdir -p /var/lib/nginx/body /var/log/nginx; "
                    "echo '%s' >/run/n.conf; exec /usr/sbin/nginx -c /run/n.conf" % conf])
        self.assertEqual(self.curl("http://127.0.0.1:8080/"), "nginx-in-docker")

    def test_published_redis(self):
        self.name = "redis"
        self.run_container(["-d", "--name", self.name, "-p", "6380:6379"],
                           ["/usr/bin/redis-server", "--protected-mode", "no", "--save", ""])
        end = time.monotonic() + 20
        while b"PONG" not in self.docker.on_host([need("redis-cli"), "-p", "6380", "ping"],
                                                 check=False).stdout:
            self.assertLess(time.monotonic(), end, "redis does not answer")
            time.sleep(0.2)
        output = self.docker.on_host([need("redis-benchmark"), "-p", "6380", "-t", "get,set", "-n", "5000",
                                      "-q"], timeout=60).stdout.decode()
        self.assertIn("GET:", output)

    def test_exec(self):
        self.serve(PYTHON_SERVER)
        self.curl("http://127.0.0.1:8080/")
        inside = self.docker.docker("exec", "web", "/usr/bin/curl", "-sS", "http://127.0.0.1/").stdout
        self.assertIn(b"Directory listing", inside)
        self.assertEqual(self.docker.docker("exec", "web", "/busybox", "sh", "-c", "exit 5",
                                            check=False).returncode, 5)

    def test_two_containers_talk(self):
        self.serve(PYTHON_SERVER)
        self.curl("http://127.0.0.1:8080/")
        address = self.docker.docker(
            "inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web").stdout.decode().strip()
        done = self.run_container(["--rm"], ["/usr/bin/curl", "-sS", "http://%s/" % address])
        self.assertIn(b"Directory listing", done.stdout)

    def test_exit_codes(self):
        for code in (0, 3, 255):
            done = self.run_container(["--rm"], ["/busybox", "sh", "-c", "exit %d" % code], check=False)
            self.assertEqual(done.returncode, code, text(done.stderr))
        self.assertEqual(self.run_container(["--rm"], ["/nonexistent"], check=False).returncode, 127)
        self.assertEqual(self.run_container(["--rm"], ["/etc/passwd"], check=False).returncode, 126)

    def test_killed_container_reports_the_signal(self):
        self.run_container(["-d", "--name", "victim"], ["/busybox", "sleep", "60"])
        self.docker.docker("kill", "victim")
        self.assertEqual(self.docker.docker("wait", "victim").stdout.strip(), b"137")

    def test_output_streams(self):
        done = self.run_container(["--rm"], ["/busybox", "sh", "-c", "echo out; echo err >&2"])
        self.assertEqual((done.stdout, done.stderr), (b"out\n", b"err\n"))

    def test_standard_input(self):
        done = self.run_container(["--rm", "-i"], ["/busybox", "cat"], stdin=b"through\n")
        self.assertEqual(done.stdout, b"through\n")

    def test_terminal(self):
        done = self.run_container(["-d", "-t", "--name", "tty"], ["/busybox", "sh", "-c", "tty; stty size"])
        self.docker.docker("wait", "tty")
        logs = self.docker.docker("logs", "tty").stdout.decode()
        self.assertIn("/dev/pts/0", logs, text(done.stderr))

    def test_stop_delivers_sigterm(self):
        script = "trap 'echo got term; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
        self.run_container(["-d", "--name", "trap"], ["/busybox", "sh", "-c", script])
        end = time.monotonic() + 15
        while b"ready" not in self.docker.docker("logs", "trap").stdout:
            self.assertLess(time.monotonic(), end, "the container did not start")
            time.sleep(0.1)
        self.docker.docker("stop", "trap", timeout=30)
        self.assertEqual(self.docker.docker("wait", "trap").stdout.strip(), b"9")
        self.assertIn(b"got term", self.docker.docker("logs", "trap").stdout)

    def test_stop_interrupts_a_blocking_accept(self):
        script = ("import signal,socket,sys\n"
                  "signal.signal(signal.SIGTERM, lambda *a: sys.exit(4))\n"
                  "s=socket.create_server(('', 80)); print('ready', flush=True); s.accept()\n")
        self.run_container(["-d", "--name", "acc"], ["/usr/bin/python3", "-c", script])
        end = time.monotonic() + 15
        while b"ready" not in self.docker.docker("logs", "acc").stdout:
            self.assertLess(time.monotonic(), end, "the container did not start")
            time.sleep(0.1)
        self.docker.docker("stop", "-t", "8", "acc", timeout=30)
        self.assertEqual(self.docker.docker("wait", "acc").stdout.strip(), b"4")

    def test_limits_and_user(self):
        done = self.run_container(["--rm", "--memory", "64m", "--pids-limit", "50", "--user", "1000:1000"],
                                  ["/busybox", "id", "-u"])
        self.assertEqual(done.stdout, b"1000\n")

    def test_network_connect_while_running(self):
        self.serve(PYTHON_SERVER)
        self.curl("http://127.0.0.1:8080/")
        self.docker.docker("network", "create", "--subnet", "172.30.78.0/24", "second")
        self.addCleanup(self.docker.docker, "network", "rm", "second", check=False)
        self.docker.docker("network", "connect", "--ip", "172.30.78.9", "second", "web")
        self.assertIn("Directory listing", self.curl("http://172.30.78.9/"))
        self.docker.docker("network", "disconnect", "second", "web")
        self.assertIn("Directory listing", self.curl("http://127.0.0.1:8080/"))

    def test_pause(self):
        self.serve(PYTHON_SERVER)
        self.curl("http://127.0.0.1:8080/")
        self.docker.docker("pause", "web")
        self.docker.docker("unpause", "web")
        self.assertIn("Directory listing", self.curl("http://127.0.0.1:8080/"))
