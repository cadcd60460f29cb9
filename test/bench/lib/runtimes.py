"""The columns of the table: how each runtime is called, and a container under it."""

import itertools
import os
import shutil
import subprocess
import tempfile
import time

from lib import bundle
from lib.network import Pair
from lib.shell import Failure, on_exit, run, undo

# runsc of 2022 reads /proc/sys/net of new kernels wrongly and gives up; it must find nothing there.
_HIDE_PROC_SYS_NET = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /proc/sys/net && exec "$@"']


class Runtime:
    def __init__(self, name, program, flags=(), prefix=()):
        self.name, self.program = name, program
        self._flags, self._prefix = list(flags), list(prefix)

    def available(self):
        return shutil.which(self.program) is not None

    def command(self, root, *arguments):
        return self._prefix + [self.program, "--root", root] + self._flags + list(arguments)


def all_runtimes(moat, scratch):
    empty = f"{scratch}/empty"
    os.makedirs(empty, exist_ok=True)
    return {
        "runc": Runtime("runc", "runc"),
        "moat": Runtime("moat", moat),
        "runsc": Runtime("runsc", "runsc",
                         flags=["--platform=ptrace", "--network=sandbox", "--ignore-cgroups"],
                         prefix=_HIDE_PROC_SYS_NET + [empty]),
    }


_numbers = itertools.count()


class Container:
    """One container with a network of its own. Use it as a context manager."""

    def __init__(self, runtime, command, share):
        self.runtime = runtime
        self.id = f"moatbench-{os.getpid()}-{next(_numbers)}"
        self.network = Pair()
        self.directory = tempfile.mkdtemp(prefix="moatbench-")
        self._undo = on_exit(self._remove)
        self._started = False
        bundle.make(f"{self.directory}/bundle", command, self.network.server_path, share)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        undo(self._undo)

    def _call(self, *arguments):
        return self.runtime.command(f"{self.directory}/root", *arguments)

    def run_command(self):
        """For a foreground run; the caller executes it."""
        self._started = True
        return self._call("run", "--bundle", f"{self.directory}/bundle", self.id)

    def start(self):
        """Runs it detached."""
        self._started = True
        with open(f"{self.directory}/log", "wb") as log:
            try:
                done = subprocess.run(
                    self._call("run", "--detach", "--bundle", f"{self.directory}/bundle", self.id),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=30, check=False)
            except subprocess.TimeoutExpired:
                raise Failure(f"{self.runtime.name} run: no end after 30 s: {self.log()}") from None
            except OSError as error:
                raise Failure(f"{self.runtime.program}: {error.strerror}") from None
        if done.returncode != 0:
            raise Failure(f"{self.runtime.name} run: exit {done.returncode}: {self.log()}")

    def log(self):
        with open(f"{self.directory}/log", encoding="utf-8", errors="replace") as file:
            return " / ".join(file.read().strip().splitlines()[-3:])[:400]

    def load(self, command, timeout=60, patience=30):
        """Runs a load against it; while the server is not up yet, again and again."""
        end = time.monotonic() + patience
        while True:
            try:
                return run(self.network.inside(command), timeout=timeout)
            except Failure as failure:
                if time.monotonic() > end:
                    raise Failure(f"{failure}; container: {self.log()}") from None
            time.sleep(0.05)

    def _remove(self):
        if self._started:
            for arguments in (["kill", self.id, "KILL"], ["delete", "--force", self.id]):
                try:
                    run(self._call(*arguments), check=False, timeout=20)
                except Failure:
                    pass
        self.network.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        _reap()


def _reap():
    """Takes the exit status of orphans that became ours."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass
