"""Sockets on loopback of the IP version that the program was told, and what can be seen of them."""
import array, ctypes, errno, fcntl, select, socket, struct, sys, time

from semantics.report import SETTLE, attempt

FAMILY = socket.AF_INET6 if sys.argv[1] == '6' else socket.AF_INET
LOOPBACK = '::1' if FAMILY == socket.AF_INET6 else '127.0.0.1'
FIONREAD = 0x541B
NAMES = (('IN', select.POLLIN), ('PRI', select.POLLPRI), ('OUT', select.POLLOUT),
         ('ERR', select.POLLERR), ('HUP', select.POLLHUP), ('RDHUP', select.POLLRDHUP))


def poll(s):
    """The present readiness."""
    poller = select.poll()
    poller.register(s, select.POLLIN | select.POLLOUT | select.POLLRDHUP | select.POLLPRI)
    ready = poller.poll(0)
    return '|'.join(n for n, bit in NAMES if ready and ready[0][1] & bit) or '-'


def readable(s):
    """Readiness once there is something to read."""
    select.select([s], [], [], 60)
    return poll(s)


def settled(s):
    time.sleep(SETTLE)
    return poll(s)


def tcp():
    return socket.socket(FAMILY, socket.SOCK_STREAM)


def udp():
    return socket.socket(FAMILY, socket.SOCK_DGRAM)


def address(s):
    return s.getsockname()[:2]


def listener(backlog=5):
    s = tcp()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((LOOPBACK, 0))
    s.listen(backlog)
    return s


def pair():
    l = listener()
    c = tcp()
    c.connect(address(l))
    s, _ = l.accept()
    l.close()
    return c, s


def option(s, name):
    return s.getsockopt(socket.SOL_SOCKET, name)


def pending(s):
    return errno.errorcode.get(option(s, socket.SO_ERROR), 0)


def set_timeout(s, name, seconds):
    s.setsockopt(socket.SOL_SOCKET, name, struct.pack('ll', int(seconds), int(seconds % 1 * 1e6)))


def timed(call, *arguments):
    start = time.monotonic()
    result = attempt(call, *arguments)
    return result, 0.1 < time.monotonic() - start < 60


def waiting(s):
    size = array.array('i', [0])
    fcntl.ioctl(s, FIONREAD, size)
    return size[0]


def raw_getsockopt(s, level, name, buffer, length=None):
    """The buffer after getsockopt(2), which reads it too, or the name of the errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(buffer, len(buffer))
    size = ctypes.c_uint32(len(buffer) if length is None else length)
    if libc.getsockopt(s.fileno(), level, name, held, ctypes.byref(size)) != 0:
        return errno.errorcode[ctypes.get_errno()]
    return held.raw, size.value
