"""Real containers under the runtime with a sentry that serves nothing (moat_without_network).

Run as root: smoke_test.py [PROGRAM]. Makes its bundles in a temporary directory and leaves nothing
behind. Needs busybox (static) for the containers' root file system.
"""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import smoke
from smoke import BUSYBOX, TIMEOUT, Smoke, config


class ExitCodes(Smoke):

    def test_success(self):
        self.assertEqual(self.run_program("true"), (0, "", ""))

    def test_own_code_and_output(self):
        code, out, _ = self.run_program("sh", "-c", "echo out; echo err >&2; exit 3")
        self.assertEqual((code, out), (3, "out\n"))

    def test_signal(self):
        # A first process ignores what it does not handle, so a child of it dies here.
        code, _, _ = self.run_program("sh", "-c", "sh -c 'kill -9 $$'; exit $?")
        self.assertEqual(code, 137)

    def test_command_not_found(self):
        code, _, err = self.run_program("nope")
        self.assertEqual(code, 127)
        self.assertIn('exec: \\"nope\\": executable file not found in $PATH', err)

    def test_file_not_found(self):
        code, _, err = self.run_program("/no/pe")
        self.assertEqual(code, 127)
        self.assertIn("stat /no/pe: no such file or directory", err)

    def test_not_executable(self):
        open(os.path.join(self.bundle, "rootfs", "bin", "data"), "w").close()
        code, _, err = self.run_program("/bin/data")
        self.assertEqual(code, 126)
        self.assertIn('exec: \\"/bin/data\\": permission denied', err)

    def test_not_a_program(self):
        path = os.path.join(self.bundle, "rootfs", "bin", "data")
        with open(path, "w") as file:
            file.write("neither ELF nor #!")
        os.chmod(path, 0o755)
        code, _, err = self.run_program("/bin/data")
        self.assertEqual(code, 126)
        self.assertIn("exec /bin/data: exec format error", err)


class Life(Smoke):

    def create(self, *args, edit=None):
        spec = config(*args)
        if edit:
            edit(spec)
        self.write(spec)
        self.expect_ok("create", "--pid-file", os.path.join(self.dir, "pid"), self.id)

    def test_create_start_kill_delete(self):
        self.create("sleep", "1000")
        state = self.state()
        self.assertEqual(state["status"], "created")
        self.assertEqual(state["bundle"], self.bundle)
        with open(os.path.join(self.dir, "pid")) as file:
            self.assertEqual(int(file.read()), state["pid"])
        configured = os.readlink("/proc/%d/ns/net" % state["pid"])
        self.expect_ok("start", self.id)
        self.assertEqual(self.state()["status"], "running")
        self.assertNotEqual(os.readlink("/proc/%d/ns/net" % state["pid"]), configured,
                            "the program must run in the empty namespace")
        code, _, err = self.moat("start", self.id)
        self.assertEqual(code, 1)
        self.assertIn("cannot start an already running container", err)
        code, _, err = self.moat("delete", self.id)
        self.assertEqual(code, 1)
        self.assertIn("is not stopped: running", err)
        self.expect_ok("kill", self.id, "KILL")
        self.wait_status("stopped")
        self.assertEqual(self.state()["pid"], 0)
        code, _, err = self.moat("kill", self.id)
        self.assertEqual(code, 1)
        self.assertIn("container not running", err)
        self.expect_ok("delete", self.id)
        code, _, err = self.moat("delete", self.id)
        self.assertEqual(code, 1)
        self.assertIn("container does not exist", err)

    def test_second_container_of_the_same_id(self):
        self.create("sleep", "1000")
        code, _, err = self.moat("create", self.id)
        self.assertEqual(code, 1)
        self.assertIn("container with given ID already exists", err)
        self.assertEqual(self.state()["status"], "created", "the first one is unharmed")

    def test_start_tells_why_the_program_does_not_run(self):
        path = os.path.join(self.bundle, "rootfs", "bin", "script")
        with open(path, "w") as file:
            file.write("#!/no/interpreter\n")
        os.chmod(path, 0o755)
        self.create("/bin/script")
        code, _, err = self.moat("start", self.id)
        self.assertEqual(code, 127)
        self.assertIn("exec /bin/script: no such file or directory", err)

    def test_delete_of_a_created_container(self):
        self.create("sleep", "1000")
        self.expect_ok("delete", self.id)

    def test_delete_force_after_everything_was_killed(self):
        self.create("sleep", "1000")
        with open(os.path.join(self.root, self.id, "state.json")) as file:
            saved = json.load(file)
        os.kill(saved["sentry_pid"], signal.SIGKILL)
        os.kill(saved["init_process_pid"], signal.SIGKILL)
        self.expect_ok("delete", "--force", self.id)

    def test_delete_force_without_a_state(self):
        self.create("sleep", "1000")
        pid = self.state()["pid"]
        os.remove(os.path.join(self.root, self.id, "state.json"))
        os.kill(pid, signal.SIGKILL)
        self.expect_ok("delete", "--force", self.id)

    @staticmethod
    def kill_group(group):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass  # the hook had not begun

    def test_create_killed_half_way(self):
        self.write(dict(config("true"), hooks={"prestart": [
            {"path": "/bin/sh", "args": ["sh", "-c", "sleep 1000"], "env": ["PATH=/bin:/usr/bin"]}]}))
        create = subprocess.Popen(self.command("create", self.id), cwd=self.bundle,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(self.kill_group, create.pid)
        deadline = time.monotonic() + TIMEOUT
        while not os.path.exists(os.path.join(self.root, self.id, "sentry.sock")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        create.kill()
        create.wait()
        self.expect_ok("delete", "--force", self.id)

    def test_full_state_directory(self):
        os.mkdir(self.root)
        subprocess.check_call(["mount", "-t", "tmpfs", "-o", "nr_inodes=4", "tmpfs", self.root])
        self.addCleanup(subprocess.call, ["umount", "-l", self.root])
        self.write(config("true"))
        code, _, err = self.moat("run", self.id)
        self.assertEqual(code, 1)
        self.assertIn("No space left on device", err)
        self.assertEqual(os.listdir(self.root), [])

    def test_no_process_is_left(self):
        # The sentry and everything else names the state directory in its arguments or its files.
        self.create("sleep", "1000")
        self.expect_ok("start", self.id)
        with open(os.path.join(self.root, self.id, "state.json")) as file:
            saved = json.load(file)
        self.expect_ok("delete", "--force", self.id)
        for pid in (saved["init_process_pid"], saved["sentry_pid"]):
            with self.assertRaises((FileNotFoundError, ProcessLookupError, AssertionError)):
                with open("/proc/%d/stat" % pid) as file:
                    self.assertNotIn(file.read().rsplit(")", 1)[1].split()[0], "ZX")

    def test_log_is_json_for_shims(self):
        log = os.path.join(self.dir, "log")
        code, _, err = self.moat("--log", log, "--log-format", "json", "state", self.id)
        self.assertEqual((code, err), (1, "container does not exist\n"))
        with open(log) as file:
            entry = json.loads(file.read())
        self.assertEqual((entry["level"], entry["msg"]), ("error", "container does not exist"))
        self.assertRegex(entry["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


class Exec(Smoke):

    def setUp(self):
        super().setUp()
        self.write(config("sleep", "1000"))
        self.expect_ok("run", "-d", self.id)

    def test_code_and_output(self):
        code, out, _ = self.moat("exec", self.id, "sh", "-c", "echo hi; exit 7")
        self.assertEqual((code, out), (7, "hi\n"))

    def test_shares_every_namespace(self):
        # Needs no privilege over the first process: its links are compared from outside.
        pid_file = os.path.join(self.dir, "exec-pid")
        self.expect_ok("exec", "-d", "--pid-file", pid_file, self.id, "sleep", "1000")
        with open(pid_file) as file:
            mine, init = int(file.read()), self.state()["pid"]
        for name in ("net", "pid", "mnt", "uts", "ipc"):
            self.assertEqual(os.readlink("/proc/%d/ns/%s" % (mine, name)),
                             os.readlink("/proc/%d/ns/%s" % (init, name)), name)

    def test_flags(self):
        code, out, err = self.moat("exec", "--user", "12:34", "--cwd", "/bin", "--env", "A=b",
                                   self.id, "sh", "-c", "id -u; id -g; pwd; echo $A")
        self.assertEqual((code, out), (0, "12\n34\n/bin\nb\n"), err)

    def test_process_file(self):
        path = os.path.join(self.dir, "process.json")
        with open(path, "w") as file:
            json.dump({"args": ["echo", "from a file"], "cwd": "/", "env": ["PATH=/bin"],
                       "user": {"uid": 0, "gid": 0}}, file)
        self.assertEqual(self.expect_ok("exec", "--process", path, self.id), "from a file\n")

    def test_not_found_and_not_executable(self):
        self.assertEqual(self.moat("exec", self.id, "nope")[0], 127)
        self.assertEqual(self.moat("exec", self.id, "/bin")[0], 126)

    def test_stopped_container(self):
        self.expect_ok("kill", self.id, "KILL")
        self.wait_status("stopped")
        code, _, err = self.moat("exec", self.id, "true")
        self.assertEqual(code, 255)
        self.assertIn("cannot exec in a stopped container", err)


class Terminal(Smoke):

    def test_foreground(self):
        spec = config("sh", "-c", "tty; stty size; exit 5")
        spec["process"]["terminal"] = True
        spec["process"]["consoleSize"] = {"height": 33, "width": 77}
        self.write(spec)
        output = b""
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.bundle)
            os.execv(smoke.PROGRAM, self.command("run", self.id))
        try:
            while chunk := os.read(master, 4096):
                output += chunk
        except OSError:  # EIO: the other side is closed
            pass
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5, output)
        self.assertIn(b"/dev/pts/0", output)
        self.assertIn(b"33 77", output)

    def test_console_socket(self):
        spec = config("sh", "-c", "echo ready; sleep 1000")
        spec["process"]["terminal"] = True
        self.write(spec)
        path = os.path.join(self.dir, "console.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            self.expect_ok("run", "-d", "--console-socket", path, self.id)
            connection = server.accept()[0]
            name, fds, _, _ = socket.recv_fds(connection, 100, 1)
            connection.close()
        self.addCleanup(os.close, fds[0])
        self.assertEqual(name, b"/dev/ptmx")
        self.assertIn(b"ready", os.read(fds[0], 100))

    def test_detached_without_a_socket(self):
        spec = config("true")
        spec["process"]["terminal"] = True
        self.write(spec)
        code, _, err = self.moat("create", self.id)
        self.assertEqual(code, 1)
        self.assertIn("--console-socket", err)


class Confinement(Smoke):

    def test_user_namespace(self):
        mappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]

        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "user"})
            spec["linux"]["uidMappings"] = spec["linux"]["gidMappings"] = mappings
        code, out, err = self.run_program("sh", "-c", "cat /proc/self/uid_map; id -u", edit=edit)
        self.assertEqual(code, 0, err)
        self.assertEqual(out.split(), ["0", "100000", "65536", "0"])

    def test_root_is_read_only_and_paths_are_masked(self):
        with open(os.path.join(self.bundle, "rootfs", "masked"), "w") as file:
            file.write("a secret")

        def edit(spec):
            spec["root"]["readonly"] = True
            spec["linux"]["maskedPaths"].append("/masked")
        code, out, _ = self.run_program(
            "sh", "-c", "touch /x; echo $?; echo 1 > /proc/sys/kernel/hostname; echo $?; "
            "cat /masked; echo $?", edit=edit)
        self.assertEqual(out.split(), ["1", "1", "0"])

    def test_a_mount_cannot_leave_the_root(self):
        outside = os.path.join(self.dir, "outside")
        os.mkdir(outside)
        os.symlink(outside, os.path.join(self.bundle, "rootfs", "link"))
        os.symlink("../../outside", os.path.join(self.bundle, "rootfs", "relative"))

        def edit(spec):
            for name in ("link", "relative"):
                spec["mounts"].append({"destination": "/%s/made" % name, "type": "tmpfs",
                                       "source": "tmpfs"})
        code, _, err = self.run_program("true", edit=edit)
        self.assertEqual(code, 0, err)
        self.assertEqual(os.listdir(outside), [])

    def test_limits_and_identity(self):
        def edit(spec):
            process = spec["process"]
            process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}]
            process["user"] = {"uid": 5, "gid": 6, "additionalGids": [7], "umask": 0o077}
            process["cwd"] = "/made/here"
            spec["domainname"] = "domain"
        code, out, err = self.run_program(
            "sh", "-c", "ulimit -n; id -u; id -G; umask; pwd; cat /proc/sys/kernel/domainname",
            edit=edit)
        self.assertEqual(code, 0, err)
        self.assertEqual(out, "77\n5\n6 7\n0077\n/made/here\ndomain\n")

    def test_capabilities_and_no_new_privs(self):
        code, out, _ = self.run_program("cat", "/proc/self/status")
        values = dict(re.findall(r"^(\w+):\s+(\S+)", out, re.MULTILINE))
        wanted = 1 << 5 | 1 << 29  # CAP_KILL, CAP_AUDIT_WRITE
        for name in ("CapBnd", "CapEff", "CapPrm"):
            self.assertEqual(int(values[name], 16), wanted, name)
        self.assertEqual(values["NoNewPrivs"], "1")

    def test_only_the_standard_files_are_open(self):
        with open(os.devnull) as leaked:
            os.set_inheritable(leaked.fileno(), True)
            spec = config("ls", "/proc/self/fd")
            self.write(spec)
            code, out, _ = self.moat("run", self.id, close_fds=False)
        self.assertEqual(out.split(), ["0", "1", "2", "3"], "3 is the directory itself")

    def test_an_inherited_inet_socket_is_closed(self):
        with socket.socket() as inet:
            spec = config("sh", "-c", "readlink /proc/self/fd/3; readlink /proc/self/fd/4")
            self.write(spec)

            def place():
                os.dup2(inet.fileno(), 3)
                os.set_inheritable(3, True)
                os.dup2(0, 4)
            code, out, err = self.moat("run", "--preserve-fds", "2", self.id, close_fds=False,
                                       preexec_fn=place)
        self.assertEqual((code, out), (0, "/dev/null\n"), err)


class Hooks(Smoke):

    def test_order_and_state(self):
        log = os.path.join(self.dir, "hooks")
        kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
        script = "echo \"$1 $(cat)\" >> " + log
        spec = config("true")
        spec["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", script, "hook", kind],
                                 "env": ["PATH=/bin:/usr/bin"]}] for kind in kinds}
        self.write(spec)
        self.expect_ok("run", self.id)
        with open(log) as file:
            lines = [line.split(" ", 1) for line in file]
        self.assertEqual([kind for kind, _ in lines], kinds)
        states = [json.loads(state) for _, state in lines]
        self.assertEqual([state["status"] for state in states],
                         ["creating", "creating", "creating", "running", "stopped"])
        self.assertEqual(len({state["pid"] for state in states[:4]}), 1)

    def test_a_failure_takes_everything_back(self):
        spec = config("true")
        spec["hooks"] = {"prestart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo oh no; exit 9"],
                                       "env": ["PATH=/bin:/usr/bin"]}]}
        self.write(spec)
        code, _, err = self.moat("create", self.id)
        self.assertEqual(code, 1)
        self.assertIn("exit status 9, output: oh no", err)
        self.assertEqual(os.listdir(self.root), [])


class BadInput(Smoke):
    """Each error is one line that names the field or the argument."""

    def refused(self, wanted, edit=None, args=("true",)):
        code, _, err = self.run_program(*args, edit=edit)
        self.assertEqual(code, 1)
        self.assertIn(wanted, err)
        self.assertEqual(err.count("\n"), 1, err)

    def test_missing_config(self):
        code, _, err = self.moat("run", self.id)
        self.assertEqual(code, 1)
        self.assertIn("config.json not found in " + self.bundle, err)

    def test_broken_config(self):
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            file.write("{")
        self.assertIn("config.json: not valid JSON", self.moat("run", self.id)[2])

    def test_missing_bundle(self):
        self.assertIn("--bundle: /nonexistent", self.moat("run", "-b", "/nonexistent", self.id)[2])

    def test_unknown_namespace_path(self):
        def edit(spec):
            spec["linux"]["namespaces"][1]["path"] = "/no/namespace"
        self.refused("config.json: linux.namespaces[1].path: open /no/namespace", edit)

    def test_wrong_namespace(self):
        def edit(spec):
            spec["linux"]["namespaces"][1]["path"] = "/proc/self/ns/ipc"
        self.refused("is not a namespace of type", edit)

    def test_host_network(self):
        def edit(spec):
            del spec["linux"]["namespaces"][1]
        self.refused("linux.namespaces: has no entry of type \\\"network\\\": host networking is not "
                     "supported by moat", edit)

    def test_missing_rootfs(self):
        def edit(spec):
            spec["root"]["path"] = "nope"
        self.refused("config.json: root.path:", edit)

    def test_missing_bind_source(self):
        def edit(spec):
            spec["mounts"].append({"destination": "/x", "type": "bind", "source": "/no/source",
                                   "options": ["bind"]})
        self.refused("config.json: mounts[4] (/x): bind source /no/source", edit)

    def test_mount_inside_proc(self):
        def edit(spec):
            spec["mounts"].append({"destination": "/proc/self", "type": "bind", "source": "/tmp",
                                   "options": ["bind"]})
        self.refused("a mount inside /proc is not allowed", edit)

    def test_invalid_id(self):
        self.write(config("true"))
        code, _, err = self.moat("run", "a/b")
        self.assertEqual(code, 1)
        self.assertIn("invalid container ID format", err)

    def test_no_privileges(self):
        self.write(config("true"))
        os.chmod(self.dir, 0o777)

        def drop():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        program = os.path.join(self.dir, "program")  # where everybody may go
        shutil.copy(smoke.PROGRAM, program)
        os.chmod(program, 0o755)
        result = subprocess.run([program, "--root", self.root, "run", self.id], cwd=self.bundle,
                                preexec_fn=drop, capture_output=True, timeout=TIMEOUT, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"no privileges: moat must run as root", result.stderr)


def main():
    program = smoke.PROGRAM
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        program = sys.argv.pop(1)
    if os.geteuid() != 0:
        sys.exit("smoke_test: needs root: it makes namespaces, mounts and control groups")
    if not os.path.exists(BUSYBOX):
        sys.exit("smoke_test: needs " + BUSYBOX + " (Debian: busybox-static)")
    smoke.PROGRAM = os.path.abspath(program or os.path.join(os.path.dirname(__file__),
                                                            "moat_without_network"))
    unittest.main(verbosity=1)


if __name__ == "__main__":
    main()
