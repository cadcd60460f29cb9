"""Running commands with a bound on their time, and undoing everything at the end."""

import atexit
import ctypes
import signal
import subprocess
import sys


class Failure(Exception):
    """One measurement that did not work; the message goes into the report."""


def run(command, timeout=30, check=True, **options):
    """Runs a command to its end and returns its standard output."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, text=True, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command_name(command)}: no end after {timeout} s") from None
    except OSError as error:
        raise Failure(f"{command_name(command)}: {error.strerror}") from None
    if check and done.returncode != 0:
        text = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Failure(f"{command_name(command)}: exit {done.returncode}: {' / '.join(text[-3:])}")
    return done.stdout


def command_name(command):
    skipped = {"ip", "netns", "exec", "unshare", "sh", "-c"}
    words = [word for word in command if word not in skipped and not word.startswith("-")]
    return " ".join(words[:4])[:100]


_undo = []


def on_exit(action):
    """Registers an action for the end, however it comes; returns it. Last in, first out."""
    _undo.append(action)
    return action


def undo(action):
    """Performs a registered action now."""
    if action in _undo:
        _undo.remove(action)
        action()


def _undo_all():
    while _undo:
        try:
            _undo.pop()()
        except Exception as error:  # the rest must be undone all the same
            print(f"bench: while cleaning up: {error}", file=sys.stderr)


def become_reaper():
    """Orphans of what we start become our children (PR_SET_CHILD_SUBREAPER), so that we find them."""
    ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)


def install():
    atexit.register(_undo_all)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, frame: sys.exit(128 + n))
    become_reaper()
