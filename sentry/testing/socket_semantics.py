"""Prints what socket calls do, one line per situation. Run natively it is the oracle; run in a sandbox it
must print the same, but for the differences that socket_semantics_test.py lists.

Arguments: 4 or 6, the IP version. Everything happens on loopback.
"""
import array, errno, fcntl, os, select, signal, socket, struct, sys, threading, time

FAMILY = socket.AF_INET6 if sys.argv[1] == '6' else socket.AF_INET
LOOPBACK = '::1' if FAMILY == socket.AF_INET6 else '127.0.0.1'
SETTLE = 0.2
FIONREAD = 0x541B
NAMES = (('IN', select.POLLIN), ('PRI', select.POLLPRI), ('OUT', select.POLLOUT),
         ('ERR', select.POLLERR), ('HUP', select.POLLHUP), ('RDHUP', select.POLLRDHUP))


def attempt(call, *arguments):
    """The result, or the name of the errno."""
    try:
        return call(*arguments)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


def poll(s):
    """The present readiness."""
    poller = select.poll()
    poller.register(s, select.POLLIN | select.POLLOUT | select.POLLRDHUP | select.POLLPRI)
    ready = poller.poll(0)
    return '|'.join(n for n, bit in NAMES if ready and ready[0][1] & bit) or '-'


def readable(s):
    """Readiness once there is something to read."""
    select.select([s], [], [], 5)
    return poll(s)


def settled(s):
    time.sleep(SETTLE)
    return poll(s)


def show(name, *values):
    print(name + ':', *values, flush=True)


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
    start = time.time()
    result = attempt(call, *arguments)
    return result, 0.1 < time.time() - start < 3


def waiting(s):
    size = array.array('i', [0])
    fcntl.ioctl(s, FIONREAD, size)
    return size[0]


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


def streams():
    c, s = pair()
    c.setblocking(False)
    show('receive nothing', attempt(c.recv, 5))
    c.setblocking(True)
    show('transfer', c.send(b'hello'), readable(s), s.recv(3), s.recv(10), poll(s))
    c.send(b'xyz')
    show('look', settled(s), waiting(s), s.recv(2, socket.MSG_PEEK), s.recv(9))
    show('sendmsg', c.sendmsg([b'ab', b'cd']), readable(s), s.recvmsg(10)[0],
         attempt(c.sendto, b'zz', s.getsockname()), readable(s), s.recvfrom(10))
    c.shutdown(socket.SHUT_WR)
    show('half closed', settled(s), s.recv(5), poll(c), attempt(c.send, b'x'))
    s.send(b'back')
    show('other half', readable(c), c.recv(9))
    c, s = pair()
    show('timeout', [set_timeout(c, socket.SO_RCVTIMEO, 0.2), timed(c.recv, 1)][1])
    c, s = pair()
    show('shutdown read', attempt(c.shutdown, socket.SHUT_RD), poll(c), attempt(c.recv, 1))
    c, s = pair()
    show('shutdown both', attempt(c.shutdown, socket.SHUT_RDWR), poll(c), attempt(c.recv, 1),
         attempt(c.send, b'x'))
    show('shutdown both, peer', settled(s), attempt(s.recv, 1))


def bulk():
    data = os.urandom(1 << 20) * 8
    for c, s in (pair(), pair()[::-1]):
        received = bytearray()

        def receive():
            while len(received) < len(data):
                piece = s.recv(1 << 20)
                if not piece:
                    break
                received.extend(piece)
        reader = threading.Thread(target=receive)
        reader.start()
        c.sendall(data)
        reader.join()
        show('bulk', bytes(received) == data)
    c, s = pair()
    c.setblocking(False)
    sent = 0
    try:
        while True:
            sent += c.send(b'x' * 65536)
    except BlockingIOError:
        pass
    show('full', sent > 65536, poll(c))
    got = 0
    while got < sent:
        got += len(s.recv(1 << 20))
    show('emptied', got == sent, settled(c))


def endings():
    c, s = pair()
    c.send(b'data')
    readable(s)
    s.close()
    show('reset', settled(c), attempt(c.recv, 1), attempt(c.recv, 1), attempt(c.send, b'x'), pending(c))
    c, s = pair()
    s.close()
    show('end', settled(c), attempt(c.recv, 1))
    show('write after end', attempt(c.send, b'x'), settled(c), attempt(c.send, b'y'))
    c, s = pair()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    c.close()
    show('linger of none', settled(s), attempt(s.recv, 1))
    l = listener()
    c = tcp()
    c.connect(address(l))
    l.close()
    show('never accepted', settled(c), attempt(c.recv, 1))
    c, s = pair()
    d = os.dup(s.fileno())
    s.close()
    c.send(b'q')
    time.sleep(SETTLE)
    show('duplicate', os.read(d, 5))
    os.close(d)
    show('duplicate closed', settled(c))


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
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        l.accept()
    except Interrupted:
        show('interrupted', True)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    threading.Timer(0.4, lambda: socket.create_connection(address(l))).start()
    show('restarted', len(l.accept()))


def datagrams():
    a = udp()
    a.bind((LOOPBACK, 0))
    b = udp()
    show('sendto', b.sendto(b'one', address(a)), readable(a))
    data, source = a.recvfrom(100)
    show('recvfrom', data, source[0], source[1] == b.getsockname()[1])
    b.sendto(b'', address(a))
    show('empty', readable(a), a.recvfrom(5)[0])
    b.sendto(b'abcdef', address(a))
    readable(a)
    data, ancillary, flags, _ = a.recvmsg(3)
    show('truncated', data, ancillary, flags == socket.MSG_TRUNC)
    b.connect(address(a))
    show('connected', b.send(b'plain'), b.getpeername() == a.getsockname(), readable(a), a.recv(100))
    a.sendto(b'answer', address(b))
    show('answered', readable(b), b.recv(9))
    show('too large', attempt(b.sendto, b'x' * 70000, address(a)), attempt(b.send, b'x' * 70000))
    a.close()
    time.sleep(SETTLE)
    b.send(b'x')
    time.sleep(SETTLE)
    show('unreachable', attempt(b.recvfrom, 5), attempt(b.recvfrom, 5, socket.MSG_DONTWAIT))
    a = udp()
    a.bind((LOOPBACK, 0))
    for message in (b'1', b'22', b'333'):
        udp().sendto(message, address(a))
    time.sleep(SETTLE)
    show('queue', waiting(a), a.recvfrom(9, socket.MSG_PEEK)[0], a.recvfrom(9)[0], a.recvfrom(9)[0],
         a.recv(9), attempt(a.recvfrom, 1, socket.MSG_DONTWAIT))
    set_timeout(a, socket.SO_RCVTIMEO, 0.2)
    show('receive timeout', timed(a.recvfrom, 5))
    set_timeout(a, socket.SO_RCVTIMEO, 0)
    for receive in (a.recvfrom, a.recv, lambda n: a.recvfrom(n, socket.MSG_PEEK)):
        threading.Timer(0.3, lambda: udp().sendto(b'late', address(a))).start()
        result = receive(9)
        show('blocking', result if isinstance(result, bytes) else result[0])
    a.recv(9)
    show('no stream', attempt(udp().shutdown, 2), attempt(a.listen), attempt(a.accept))
    if FAMILY == socket.AF_INET:
        a.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        udp().sendto(b'pk', address(a))
        data, ancillary, flags, _ = a.recvmsg(10, 200)
        show('packet info', data, [(l, t, d[4:]) for l, t, d in ancillary], flags)


for part in (fresh_sockets, connecting, streams, bulk, endings, listening, signals, datagrams):
    part()
os._exit(0)
