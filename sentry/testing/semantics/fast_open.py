"""Data with the SYN (TCP Fast Open), and connects that signals interrupt."""
import select, signal, socket, time

from semantics.report import SETTLE, attempt, show
from semantics.sockets import LOOPBACK, address, listener, readable, tcp


def fast_open():
    flag = 0x20000000
    l, c = listener(), tcp()
    show('fast open', attempt(c.sendto, b'abc', flag, address(l)))
    a, _ = l.accept()
    a.settimeout(60)
    show('fast open, data', attempt(a.recv, 10), address(c) == a.getpeername()[:2])
    show('fast open, connected', attempt(c.sendto, b'abc', flag, address(l)), attempt(l.sendto, b'x', flag, address(l)))
    n = tcp()
    n.setblocking(False)
    show('fast open, no block', attempt(n.sendto, b'abc', flag, address(l)), attempt(l.accept)[1][:2] == address(n))
    show('fast open, refused', attempt(tcp().sendto, b'abc', flag, (LOOPBACK, 1)))
    show('fast open, no address', attempt(tcp().sendmsg, [b'abc'], [], flag))


class Interrupted(Exception):
    pass


def interrupted(s, call, *arguments):
    """A call that a signal takes away once the socket has begun to connect."""
    waiting = True

    def interrupt(*_):
        nonlocal waiting
        if waiting and address(s)[1] != 0:
            waiting = False
            raise Interrupted()
    signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
        return attempt(call, *arguments)
    except Interrupted:
        return 'interrupted'
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def full_listener():
    """One without room, and the connections that it holds."""
    l, held = listener(1), []
    while True:
        c = tcp()
        c.setblocking(False)
        attempt(c.connect, address(l))
        if not select.select([], [c], [], SETTLE)[1]:
            c.close()
            return l, held
        held.append(c)


def accept_from(l, c):
    l.settimeout(30)
    while True:
        s, a = l.accept()
        if a[:2] == address(c):
            return s


def interrupted_connecting():
    flag, no_wait = 0x20000000, socket.MSG_DONTWAIT
    l, held = full_listener()
    a, c = address(l), tcp()
    show('fast open, interrupted', interrupted(c, c.sendto, b'abc', flag, a))
    show('fast open, meanwhile', attempt(c.sendto, b'abc', flag | no_wait, a), interrupted(c, c.sendto, b'abc', flag, a))
    s = accept_from(l, c)
    show('fast open, taken up again', attempt(c.sendto, b'abc', flag, a), attempt(c.sendto, b'abc', flag, a),
         readable(s), s.recv(9))
    l, held = full_listener()
    a, c = address(l), tcp()
    show('fast open, interrupted', interrupted(c, c.sendto, b'abc', flag, a))
    accept_from(l, c)
    show('fast open, connected meanwhile', attempt(c.connect, a), attempt(c.sendto, b'abc', flag, a),
         attempt(c.connect, a))
    l, held = full_listener()
    a, c = address(l), tcp()
    show('connect, interrupted', interrupted(c, c.connect, a))
    held = None
    l.close()
    closed = 7  # TCP_CLOSE
    for _ in range(300):
        if c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == closed:
            break
        time.sleep(0.1)
    l = tcp()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    show('connect, refused meanwhile', attempt(l.bind, a), attempt(l.listen), attempt(c.connect, a),
         attempt(c.connect, a))
