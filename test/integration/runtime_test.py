"""The OCI command line: life cycle, exit codes, terminal, user namespace, and what bad input gets."""

import json
import os
import pty
import socket
import subprocess
import tempfile
import unittest

from harness.bundle import Bundle, config
from harness.container import binary
from harness.process import eventually, need, run, text


class RuntimeCase(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="moat-root-")
        self.bundle = Bundle()
        self.addCleanup(self.clean)

    def clean(self):
        for name in os.listdir(self.root):
            self.moat("delete", "--force", name, check=False)
        self.bundle.close()
        os.rmdir(self.root)

    def moat(self, *argv, **options):
        return run([binary("moat"), "--root", self.root] + list(argv), **options)

    def write(self, argv, edit=None, **options):
        configuration = config(argv, **options)
        if edit:
            edit(configuration)
        self.bundle.write(configuration)

    def run_it(self, argv, edit=None, check=False, **options):
        self.write(argv, edit, **options)
        return self.moat("run", "--bundle", self.bundle.path, "one", check=check)

    def detached(self, verb, *options):
        """A verb after which the container lives on: it must not inherit pipes that we wait on."""
        with open(os.path.join(self.bundle.path, "stderr"), "w+b") as err:
            code = subprocess.run(
                [binary("moat"), "--root", self.root, verb, "--bundle", self.bundle.path, *options, "one"],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err, timeout=120).returncode
            err.seek(0)
            self.assertEqual(code, 0, text(err.read()))

    def status(self):
        return json.loads(self.moat("state", "one").stdout)["status"]


class LifeCycle(RuntimeCase):
    def test_exit_codes(self):
        for code in (0, 3, 255):
            self.assertEqual(self.run_it(["/bin/sh", "-c", "exit %d" % code]).returncode, code)
            self.assertEqual(os.listdir(self.root), [])

    def test_create_start_kill_delete(self):
        self.write(["/bin/sleep", "100"])
        self.detached("create", "--pid-file", self.bundle.path + "/pid")
        self.assertEqual(self.status(), "created")
        with open(self.bundle.path + "/pid", encoding="utf-8") as file:
            pid = int(file.read())
        self.assertEqual(json.loads(self.moat("state", "one").stdout)["pid"], pid)
        self.moat("start", "one")
        self.assertEqual(self.status(), "running")
        self.assertIn(str(pid), self.moat("ps", "one").stdout.decode())
        self.assertIn("one", self.moat("list").stdout.decode())
        self.assertNotEqual(self.moat("delete", "one", check=False).returncode, 0)
        self.moat("kill", "one", "KILL")
        eventually(lambda: self.status() == "stopped", "it is not stopped")
        self.moat("delete", "one")
        self.assertNotEqual(self.moat("state", "one", check=False).returncode, 0)

    def test_exec(self):
        self.write(["/bin/sleep", "100"])
        self.detached("run", "-d")
        self.assertEqual(self.moat("exec", "one", "/bin/echo", "hi").stdout, b"hi\n")
        self.assertEqual(self.moat("exec", "one", "/bin/sh", "-c", "exit 6", check=False).returncode, 6)
        self.assertEqual(self.moat("exec", "--env", "A=b", "--cwd", "/tmp", "one", "/bin/sh", "-c",
                                   "echo $A $PWD").stdout, b"b /tmp\n")
        self.assertEqual(self.moat("exec", "--user", "1000:1000", "one", "/usr/bin/id", "-u").stdout,
                         b"1000\n")
        self.assertEqual(self.moat("exec", "one", "/nonexistent", check=False).returncode, 127)

    def test_terminal(self):
        master, slave = pty.openpty()
        self.write(["/bin/sh", "-c", "test -t 0 && test -t 1 && tty"], terminal=True)
        process = subprocess.Popen(
            [binary("moat"), "--root", self.root, "run", "--bundle", self.bundle.path, "one"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        output = b""
        try:
            while piece := os.read(master, 4096):
                output += piece
        except OSError:
            pass
        os.close(master)
        self.assertEqual(process.wait(60), 0, text(output))
        self.assertIn(b"/dev/pts/0", output)

    def test_console_socket(self):
        path = os.path.join(self.bundle.path, "console")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(60)
            self.write(["/bin/sh", "-c", "echo on the console; sleep 100"], terminal=True)
            self.detached("create", "--console-socket", path)
            connection, _ = listener.accept()
            _, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
        self.assertEqual(len(descriptors), 1)
        self.moat("start", "one")
        self.assertIn(b"on the console", os.read(descriptors[0], 100))
        os.close(descriptors[0])

    def test_user_namespace(self):
        def edit(configuration):
            configuration["linux"]["namespaces"].append({"type": "user"})
            mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            configuration["linux"]["uidMappings"] = mapping
            configuration["linux"]["gidMappings"] = mapping
            configuration["mounts"] = [m for m in configuration["mounts"] if m["type"] != "sysfs"]
        script = ("cat /proc/self/uid_map; python3 -c \"import socket;s=socket.create_server(('127.0.0.1',0));"
                  "c=socket.create_connection(s.getsockname());c.send(b'x');print(s.accept()[0].recv(1))\"")
        done = self.run_it(["/bin/sh", "-c", script], edit)
        self.assertEqual(done.returncode, 0, text(done.stderr))
        self.assertEqual(done.stdout.decode().split()[:3], ["0", "100000", "65536"])
        self.assertIn(b"b'x'", done.stdout)

    def test_ping_group_range(self):
        """As Linux: the effective and the supplementary groups count, and by default there is no range."""
        script = ("import os,socket\n"
                  "def may(gid,groups):\n"
                  "  if os.fork(): return os.waitstatus_to_exitcode(os.wait()[1])\n"
                  "  os.setgroups(groups); os.setresgid(7,gid,7)\n"
                  "  for f,p in ((socket.AF_INET,1),(socket.AF_INET6,58)):\n"
                  "    try: socket.socket(f,socket.SOCK_DGRAM,p)\n"
                  "    except PermissionError as e: os._exit(e.errno)\n"
                  "  os._exit(0)\n"
                  "print([may(0,[]),may(4000,[]),may(5,[4001]),may(4002,[7])])\n")
        mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        for sysctls, users, expected in (({}, None, "[13, 13, 13, 13]"),
                                         ({"net.ipv4.ping_group_range": "4000 4001"}, None, "[13, 0, 0, 13]"),
                                         ({"net.ipv4.ping_group_range": "4000\t4001"}, mapping, "[13, 0, 0, 13]")):
            def edit(configuration):
                configuration["linux"]["sysctl"] = sysctls
                if users:
                    configuration["linux"]["namespaces"].append({"type": "user"})
                    configuration["linux"]["uidMappings"] = configuration["linux"]["gidMappings"] = users
                    configuration["mounts"] = [m for m in configuration["mounts"] if m["type"] != "sysfs"]
            with self.subTest(sysctls=sysctls, users=users):
                done = self.run_it(["/usr/bin/python3", "-c", script], edit)
                self.assertEqual(done.stdout.decode().strip(), expected, text(done.stderr))

    def test_hooks_see_the_state(self):
        seen = os.path.join(self.bundle.path, "seen")

        def edit(configuration):
            script = "cat >> %s; echo >> %s" % (seen, seen)
            configuration["hooks"] = {
                kind: [{"path": "/bin/sh", "args": ["sh", "-c", script]}]
                for kind in ("prestart", "createRuntime", "poststart", "poststop")}
        self.assertEqual(self.run_it(["/bin/true"], edit).returncode, 0)
        with open(seen, encoding="utf-8") as file:
            states = [json.loads(line) for line in file]
        statuses = [state["status"] for state in states]
        # At poststart runc still says "created", the specification "running".
        self.assertIn(statuses[2], ("created", "running"))
        self.assertEqual(statuses[:2] + statuses[3:], ["creating", "creating", "stopped"])

    def test_masked_readonly_and_devices(self):
        script = ("cat /proc/kcore | wc -c; (echo 1 > /proc/sys/kernel/pid_max) 2>&1 | tail -c 24; "
                  "echo x > /dev/null && head -c 4 /dev/zero | wc -c; ls -l /dev/stdin")
        done = self.run_it(["/bin/sh", "-c", script])
        self.assertEqual(done.returncode, 0, text(done.stderr))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[0], "0")
        self.assertIn("Read-only file system", "\n".join(lines))
        self.assertIn("4", lines)

    def test_capabilities_and_no_new_privileges(self):
        done = self.run_it(["/bin/grep", "-E", "CapEff|CapBnd|NoNewPrivs|Seccomp:", "/proc/self/status"])
        fields = dict(line.split(":\t") for line in done.stdout.decode().splitlines())
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(fields["Seccomp"], "2")
        self.assertEqual(fields["CapEff"], fields["CapBnd"])
        self.assertNotEqual(int(fields["CapEff"], 16) & 1, 0)
        self.assertEqual(int(fields["CapEff"], 16) >> 21 & 1, 0, "CAP_SYS_ADMIN was not asked for")


class BadInput(RuntimeCase):
    def refuse(self, done, *words, code=1):
        """One line on standard error that names what is wrong."""
        self.assertEqual(done.returncode, code, text(done.stderr))
        lines = text(done.stderr).strip().splitlines()
        self.assertEqual(len(lines), 1, lines)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertEqual(os.listdir(self.root), [], "a container was left behind")

    def test_missing_config(self):
        self.refuse(self.moat("run", "--bundle", self.bundle.path, "one", check=False), "config.json")

    def test_broken_config(self):
        with open(os.path.join(self.bundle.path, "config.json"), "w", encoding="utf-8") as out:
            out.write('{"ociVersion": "1.0.2", "process": ')
        self.refuse(self.moat("run", "--bundle", self.bundle.path, "one", check=False), "config.json")

    def test_bad_fields_are_named(self):
        def no_arguments(c): c["process"]["args"] = []
        def relative_cwd(c): c["process"]["cwd"] = "tmp"
        def unknown_namespace(c): c["linux"]["namespaces"].append({"type": "galaxy"})
        def bad_rlimit(c): c["process"]["rlimits"] = [{"type": "RLIMIT_MAGIC", "hard": 1, "soft": 1}]
        def text_uid(c): c["process"]["user"]["uid"] = "root"
        for edit, field in ((no_arguments, "args"), (relative_cwd, "cwd"), (unknown_namespace, "namespaces"),
                            (bad_rlimit, "RLIMIT_MAGIC"), (text_uid, "uid")):
            with self.subTest(field=field):
                self.refuse(self.run_it(["/bin/true"], edit), field)

    def test_unknown_namespace_path(self):
        self.refuse(self.run_it(["/bin/true"], network="/run/netns/does-not-exist"),
                    "/run/netns/does-not-exist")

    def test_host_network_is_refused(self):
        def edit(configuration):
            configuration["linux"]["namespaces"] = [
                n for n in configuration["linux"]["namespaces"] if n["type"] != "network"]
        self.refuse(self.run_it(["/bin/true"], edit), "linux.namespaces", "network")

    def test_second_container_of_the_same_id(self):
        self.write(["/bin/sleep", "100"])
        self.detached("run", "-d")
        done = self.moat("run", "--bundle", self.bundle.path, "one", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("exist", text(done.stderr))
        self.assertEqual(self.status(), "running")

    def test_command_that_does_not_exist(self):
        self.refuse(self.run_it(["/no/such/command"]), "/no/such/command", code=127)
        self.refuse(self.run_it(["no-such-command"]), "no-such-command", code=127)

    def test_command_that_is_not_executable(self):
        self.refuse(self.run_it(["/etc/passwd"]), "/etc/passwd", code=126)

    def test_bad_ids_and_arguments(self):
        self.write(["/bin/true"])
        for bad in ("", "../up", "a/b", "a b"):
            done = self.moat("run", "--bundle", self.bundle.path, bad, check=False)
            self.assertNotEqual(done.returncode, 0)
        self.assertNotEqual(self.moat("fly", check=False).returncode, 0)
        self.assertNotEqual(self.moat("kill", "nobody", check=False).returncode, 0)
        self.write(["/bin/sleep", "100"])
        self.detached("run", "-d")
        done = self.moat("kill", "one", "SIGMAGIC", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SIGMAGIC", text(done.stderr))

    def test_no_privileges(self):
        self.write(["/bin/true"])
        done = run([need("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups",
                    "--inh-caps=-all", binary("moat"), "--root", "/tmp/moat-nobody", "run",
                    "--bundle", self.bundle.path, "one"], check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(text(done.stderr).strip().splitlines()), 1, text(done.stderr))


class Do(unittest.TestCase):
    """`moat do -- COMMAND` on the host's own file system."""

    def do(self, *argv, **options):
        return run([binary("moat"), "do", "--"] + list(argv), check=False, **options)

    def test_output_and_exit_code(self):
        done = self.do("/bin/sh", "-c", "echo out; echo err >&2; exit 4")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (4, b"out\n", b"err\n"))

    def test_command_not_found_and_not_executable(self):
        self.assertEqual(self.do("no-such-command").returncode, 127)
        self.assertEqual(self.do("/etc/passwd").returncode, 126)

    def test_nothing_is_changed_on_the_host(self):
        with tempfile.TemporaryDirectory() as directory:
            done = self.do("/bin/sh", "-c", "echo x > %s/file && cat %s/file" % (directory, directory))
            self.assertEqual(done.stdout, b"x\n", text(done.stderr))
            self.assertEqual(os.listdir(directory), [])

    def test_localhost(self):
        done = self.do("python3", "-c", "import socket;s=socket.create_server(('127.0.0.1',0));"
                       "c=socket.create_connection(s.getsockname());c.send(b'x');print(s.accept()[0].recv(1))")
        self.assertEqual(done.stdout, b"b'x'\n", text(done.stderr))

    def test_leaves_no_link_behind(self):
        before = set(os.listdir("/sys/class/net"))
        self.assertEqual(self.do("/bin/true").returncode, 0)
        # One that is still there of another test may go meanwhile.
        eventually(lambda: set(os.listdir("/sys/class/net")) <= before,
                   lambda: "left behind: %s" % (set(os.listdir("/sys/class/net")) - before))


del RuntimeCase
