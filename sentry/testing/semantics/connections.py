"""How connections come to be: fresh sockets, connect, listen, accept, and what a SYN says."""
import os, select, signal, socket, struct, threading, time

from semantics.report import SETTLE, attempt, show
from semantics.sockets import (FAMILY, LOOPBACK, address, listener, option, pending, poll,
                               set_timeout, settled, tcp, timed)


def fresh_sockets():
    s = tcp()
    show('fresh', s.getsockname()[1], attempt(s.getpeername), attempt(s.accept), attempt(s.shutdown, 2))
    show('bind', attempt(s.bind, (LOOPBACK, 0)), attempt(s.bind, (LOOPBACK, 0)), attempt(s.accept))
    show('bind foreign', attempt(tcp().bind, ('2001:db8::9' if FAMILY == socket.AF_INET6 else '192.0.2.9', 0)))
    l = listener()
    show('in use', attempt(tcp().bind, address(l)))
    show('listener', poll(l), attempt(l.getpeername), option(l, socket.SO_ACCEPTCONN),
         option(l, socket.SO_TYPE), option(l, socket.SO_PROTOCOL), option(l, socket.SO_DOMAIN))
    for arguments in ((2, 1, 17), (2, 2, 6), (2, 5, 0), (2, 7, 0), (2, 11, 0), (2, 1, 300),
                      (10, 1, 17), (16, 9, 0)):
        if attempt(socket.socket, *arguments).__class__ is str:
            show('socket', arguments, attempt(socket.socket, *arguments))
    show('socketpair', attempt(socket.socketpair, FAMILY, socket.SOCK_STREAM))


def connecting():
    l = listener()
    l.setblocking(False)
    show('accept nothing', attempt(l.accept))
    c = tcp()
    c.setblocking(False)
    show('connect nonblocking', attempt(c.connect, address(l)), settled(c), pending(c), poll(l))
    show('connect again', attempt(c.connect, address(l)), attempt(c.connect, address(l)))
    s, a = l.accept()
    show('names', a == c.getsockname(), s.getpeername() == c.getsockname(),
         s.getsockname() == c.getpeername(), poll(l))
    closed = listener()
    a = address(closed)
    closed.close()
    c = tcp()
    show('refused', attempt(c.connect, a), attempt(c.connect, a), attempt(c.getpeername))
    c = tcp()
    c.setblocking(False)
    show('refused nonblocking', attempt(c.connect, a), settled(c), pending(c), pending(c),
         attempt(c.connect, a))
    l = tcp()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(a)
    l.listen(5)
    c.setblocking(True)
    show('connect after failure', attempt(c.connect, a), l.accept()[1] == c.getsockname())


def listening():
    l = listener(0)
    clients = [tcp() for _ in range(4)]
    for c in clients:
        c.setblocking(False)
        attempt(c.connect, address(l))
    time.sleep(SETTLE)
    show('backlog of none', sum(poll(c) == 'OUT' for c in clients), poll(l))
    l = listener()
    set_timeout(l, socket.SO_RCVTIMEO, 0.2)
    show('accept timeout', timed(l.accept))
    l = listener()
    l.setblocking(False)
    epoll = select.epoll()
    epoll.register(l, select.EPOLLIN | select.EPOLLET)
    clients = [socket.create_connection(address(l)) for _ in range(3)]
    time.sleep(SETTLE)
    show('edges', len(epoll.poll(0)), [len(l.accept()) for _ in range(3)], attempt(l.accept), epoll.poll(0))
    l = listener()
    child = os.fork()
    if child == 0:
        s, _ = l.accept()
        s.send(b'from the child')
        os._exit(0)
    c = socket.create_connection(address(l))
    show('accepted by a child', c.recv(20), c.recv(1))
    os.waitpid(child, 0)
    shared = tcp()
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind((LOOPBACK, 0))
    shared.listen()
    other = tcp()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    show('shared port', attempt(other.bind, address(shared)), attempt(other.listen))


def signals():
    class Interrupted(Exception):
        pass

    def interrupt(*_):
        raise Interrupted()
    l = listener()
    signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        l.accept()
    except Interrupted:
        show('interrupted', True)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    threading.Timer(0.4, lambda: socket.create_connection(address(l))).start()
    show('restarted', len(l.accept()))


def far_and_near():
    level, minimum, hops = ((socket.IPPROTO_IPV6, 73, socket.IPV6_UNICAST_HOPS) if FAMILY == socket.AF_INET6
                            else (socket.IPPROTO_IP, 21, socket.IP_TTL))
    l, c = listener(), tcp()
    c.setsockopt(level, minimum, 255)
    c.setblocking(False)
    show('minimum of hops, far', attempt(c.connect, address(l)), settled(c))
    l.setsockopt(level, hops, 255)
    c = tcp()
    c.setsockopt(level, minimum, 255)
    c.settimeout(60)
    show('minimum of hops, near', attempt(c.connect, address(l)), poll(c))
    l = listener()
    l.setsockopt(level, minimum, 255)
    c = tcp()
    c.setblocking(False)
    show('minimum of hops of a listener', attempt(c.connect, address(l)), settled(c), poll(l))


def saved_syns():
    TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
    l = listener()
    l.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
    c = tcp()
    c.connect(address(l))
    a, _ = l.accept()
    too_little = attempt(a.getsockopt, socket.IPPROTO_TCP, TCP_SAVED_SYN, 30)
    syn = a.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 200)
    network = 40 if FAMILY == socket.AF_INET6 else 20
    show('saved SYN', too_little, len(syn) == network + (syn[network + 12] >> 4) * 4, syn[0] >> 4, syn[network + 13],
         syn[network:network + 2] == struct.pack('!H', address(c)[1]),
         a.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 200), c.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 200))
