"""What became of a call, and a line about it."""
import errno, os

SETTLE = float(os.environ['SETTLE'])  # seconds after which what was set going must have ended


def attempt(call, *arguments):
    """The result, or the name of the errno."""
    try:
        return call(*arguments)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


def show(name, *values):
    print(name + ':', *values, flush=True)
