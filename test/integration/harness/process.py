"""Processes with a deadline, whose output is kept for the failure message.

A deadline only ends what hangs: it is far above what anything takes on a machine that is slow and busy.
"""

import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time


def need(program):
    """The path of a host program; a missing one fails the test, it is never skipped."""
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if path is None:
        raise AssertionError("%s is not installed (run-tests installs it)" % program)
    return path


def run(argv, timeout=120, check=True, stdin=None, env=None, cwd=None):
    """Runs to the end; on failure raises with the command and everything it printed."""
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
        input=stdin, env=env, cwd=cwd, **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    if check and done.returncode != 0:
        raise AssertionError(
            "%s\nexited with %d\nstdout: %s\nstderr: %s" % (
                " ".join(argv), done.returncode, text(done.stdout), text(done.stderr)))
    return done


class Scoped:
    """What `_make()` makes on entry `close()` takes back on exit, also when making it fails half-way."""

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *unused):
        self.close()


def eventually(condition, message, seconds=60):
    """Until `condition()` holds; `message` may be a function."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(message() if callable(message) else message)
        time.sleep(0.05)


def processes_that_mention(text):
    """Command lines that contain `text`, without this test's own."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and "harness.main" not in line:
            found.append(line)
    return found


def text(data):
    return data.decode("utf-8", "replace")[-4000:]


class Background:
    """A process of a test; stopped (process group and all) when the test ends."""

    def __init__(self, argv, env=None, stdin=subprocess.DEVNULL):
        self.argv = argv
        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            argv, stdin=stdin, stdout=self._log, stderr=subprocess.STDOUT, env=env,
            start_new_session=True)

    def output(self):
        self._log.seek(0)
        return text(self._log.read())

    def alive(self):
        return self.process.poll() is None

    def wait(self, timeout=60):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                "%s\ndid not end in %d s; it printed:\n%s" % (
                    " ".join(self.argv), timeout, self.output())) from None

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive():
                break
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                continue
        self._log.close()
