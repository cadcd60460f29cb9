"""Killing anything at any moment leaves nothing hanging, and a state that `delete --force` cleans up."""

import glob
import json
import os
import signal
import time
import unittest

from harness.container import Container
from harness.process import eventually, need, processes_that_mention, run
from harness.world import World, addresses, url

WEB = ["/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0", "8000"]


class Faults(unittest.TestCase):
    def setUp(self):
        self.world = World().__enter__()
        self.addCleanup(self.world.close)

    def container(self, argv):
        made = Container(argv, self.world)
        self.addCleanup(made.close)
        return made

    def server(self):
        made = self.container(WEB).start()
        self.world.wait_for_port(addresses(4)[1], 8000, made.alive)
        return made

    def sentry_pid(self, made):
        """The one process of the sandbox that runs `moat boot` for this id."""
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if b"boot" in words[:3] and any(made.id.encode() in word for word in words):
                return int(path.split("/")[2])
        self.fail("no sentry found for " + made.id)

    def check_clean(self, made):
        """After delete --force nothing of the container is left."""
        made.moat("delete", "--force", made.id)
        self.assertFalse(os.path.exists(made.directory()))
        eventually(lambda: not processes_that_mention(made.id),
                   lambda: "left behind: %s" % processes_that_mention(made.id))
        for path in glob.glob("/sys/fs/cgroup/*/%s" % made.id) + glob.glob("/sys/fs/cgroup/" + made.id):
            self.fail("cgroup left behind: " + path)
        made.moat("list")

    def test_killed_container(self):
        made = self.server()
        os.kill(made.state()["pid"], signal.SIGKILL)
        self.assertNotEqual(made.process.wait(), 0)
        self.check_clean(made)

    def test_killed_sentry_gives_errors_not_hangs(self):
        script = ("import socket,errno\n"
                  "s=socket.create_server(('',8000)); print('ready',flush=True)\n"
                  "try: s.accept()\n"
                  "except OSError as e: print('accept', errno.errorcode[e.errno], flush=True)\n"
                  "try: socket.socket()\n"
                  "except OSError as e: print('socket', errno.errorcode[e.errno], flush=True)\n")
        made = self.container(["/usr/bin/python3", "-c", script]).start()
        eventually(lambda: "ready" in made.process.output(), "the program did not start")
        time.sleep(0.3)
        os.kill(self.sentry_pid(made), signal.SIGKILL)
        made.process.wait()
        self.assertIn("accept ", made.process.output())
        self.assertIn("socket ENOSYS", made.process.output())
        self.check_clean(made)

    def test_killed_sentry_ends_open_connections(self):
        script = ("import socket\n"
                  "s=socket.create_connection(('10.77.0.1',9000)); print('ready',flush=True)\n"
                  "try: print('read', s.recv(10), flush=True)\n"
                  "except OSError as e: print('read', e, flush=True)\n")
        peer = self.world.start_on_client([
            "/usr/bin/python3", "-c", "import socket,time\n"
            "s=socket.create_server(('10.77.0.1',9000)); print('ready',flush=True); c=s.accept(); time.sleep(600)"])
        eventually(lambda: "ready" in peer.output(), peer.output)
        made = self.container(["/usr/bin/python3", "-c", script]).start()
        eventually(lambda: "ready" in made.process.output(), made.diagnosis())
        os.kill(self.sentry_pid(made), signal.SIGKILL)
        made.process.wait()
        self.assertIn("read", made.process.output())
        self.check_clean(made)

    def test_killed_runtime(self):
        made = self.server()
        os.kill(made.process.process.pid, signal.SIGKILL)
        made.moat("list")
        self.assertIn(made.state()["status"], ("running", "stopped"))
        self.check_clean(made)

    def test_killed_runtime_while_creating(self):
        for delay in (0.0, 0.002, 0.005, 0.01, 0.02, 0.04):
            made = self.container(WEB).start()
            time.sleep(delay)
            os.kill(made.process.process.pid, signal.SIGKILL)
            made.process.wait()
            made.moat("list")
            self.check_clean(made)

    def test_killed_client_in_the_middle_of_a_transfer(self):
        made = self.container(["/bin/sh", "-c", "truncate -s 200M /tmp/big && cd /tmp && exec " +
                               " ".join(WEB)]).start()
        server = addresses(4)[1]
        self.world.wait_for_port(server, 8000, made.alive)
        for _ in range(5):
            client = self.world.start_on_client(
                [need("curl"), "-sS", "--limit-rate", "2M", "-o", "/dev/null", url(server, 8000, "/big")])
            time.sleep(0.4)
            client.process.kill()
        done = self.world.on_client([need("curl"), "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                                     url(server, 8000, "/big")])
        self.assertEqual(done.stdout, b"209715200", made.diagnosis())

    def test_link_that_vanishes(self):
        made = self.server()
        run([need("ip"), "-n", self.world.client, "link", "del", "veth0"])
        self.assertIn("python3", made.exec(["cat", "/proc/1/cmdline"]).stdout.decode())
        self.check_clean(made)

    def test_list_survives_broken_directories(self):
        made = self.server()
        root = os.path.dirname(made.directory())
        os.mkdir(os.path.join(root, "broken"))
        with open(os.path.join(root, "broken", "state.json"), "w", encoding="utf-8") as out:
            out.write("{ not json")
        os.mkdir(os.path.join(root, "empty"))
        listed = made.moat("list", "-q").stdout.decode().split()
        self.assertIn(made.id, listed)
        for name in ("broken", "empty"):
            made.moat("delete", "--force", name)

    def test_delete_force_of_what_does_not_exist(self):
        made = self.server()
        self.assertEqual(made.moat("delete", "--force", "nobody").returncode, 0)
        self.assertNotEqual(made.moat("delete", "nobody", check=False).returncode, 0)
        self.assertNotEqual(made.moat("delete", made.id, check=False).returncode, 0)

    def test_full_state_directory(self):
        made = self.container(WEB)
        root = made.moat("list").args[2]
        run([need("mount"), "-t", "tmpfs", "-o", "size=4k", "tmpfs", root])
        self.addCleanup(run, [need("umount"), "-l", root], check=False)
        filler = os.open(os.path.join(root, "filler"), os.O_CREAT | os.O_WRONLY)
        try:
            while os.write(filler, b"x" * 1024):
                pass
        except OSError:
            pass
        os.close(filler)
        made.start()
        self.assertNotEqual(made.process.wait(), 0)
        self.assertRegex(made.process.output(), "No space left|no space left")
        eventually(lambda: not processes_that_mention(made.id), lambda: str(processes_that_mention(made.id)))
        os.unlink(os.path.join(root, "filler"))
        self.assertEqual(json.loads(made.moat("list", "-f", "json").stdout or b"null") or [], [])
