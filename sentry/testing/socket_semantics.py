"""Prints what socket calls do, one line per situation. Run natively it is the oracle; run in a sandbox it
must print the same, but for the differences that socket_semantics_test.py lists.

Arguments: 4 or 6, the IP version. Everything happens on loopback. SETTLE in the environment: after how many seconds
whatever was set going must have ended.
"""
import array, ctypes, errno, fcntl, os, select, signal, socket, struct, sys, threading, time

FAMILY = socket.AF_INET6 if sys.argv[1] == '6' else socket.AF_INET
LOOPBACK = '::1' if FAMILY == socket.AF_INET6 else '127.0.0.1'
SETTLE = float(os.environ['SETTLE'])
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


# --- Sources of multicast groups, RFC 3678 -------------------------------------------------------

LOOP = 1  # the loopback interface
LEVEL = socket.IPPROTO_IPV6 if FAMILY == socket.AF_INET6 else socket.IPPROTO_IP
JOIN_GROUP, BLOCK, UNBLOCK, LEAVE_GROUP, JOIN_SOURCE, LEAVE_SOURCE, FILTER = range(42, 49)  # MCAST_*
EXCLUDE, INCLUDE = 0, 1
GROUP = 'ff15::77' if FAMILY == socket.AF_INET6 else '239.1.2.3'
OTHER, THIRD = ('2001:db8::7', '2001:db8::9') if FAMILY == socket.AF_INET6 else ('192.0.2.7', '192.0.2.9')


def storage(ip, family=FAMILY):
    packed = socket.inet_pton(FAMILY, ip)
    head = struct.pack('=H2x', family) if FAMILY == socket.AF_INET else struct.pack('=H6x', family)
    return (head + packed).ljust(128, b'\0')


def source_request(source, group=GROUP, index=LOOP, family=FAMILY):
    return struct.pack('=I4x', index) + storage(group, family) + storage(source, family)


def change(s, name, source, **more):
    return attempt(s.setsockopt, LEVEL, name, source_request(source, **more))


def member(s, name, group=GROUP, index=LOOP):
    return attempt(s.setsockopt, LEVEL, name, struct.pack('=I4x', index) + storage(group))


def set_filter(s, mode, *sources, count=None, group=GROUP):
    head = struct.pack('=I4x', LOOP) + storage(group)
    head += struct.pack('=II', mode, len(sources) if count is None else count)
    return attempt(s.setsockopt, LEVEL, FILTER, head + b''.join(storage(x) for x in sources))


def raw_getsockopt(s, level, name, buffer, length=None):
    """The buffer after getsockopt(2), which reads it too, or the name of the errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(buffer, len(buffer))
    size = ctypes.c_uint32(len(buffer) if length is None else length)
    if libc.getsockopt(s.fileno(), level, name, held, ctypes.byref(size)) != 0:
        return errno.errorcode[ctypes.get_errno()]
    return held.raw, size.value


def get_filter(s, room=8, group=GROUP, index=LOOP):
    head = struct.pack('=I4x', index) + storage(group) + struct.pack('=II', 7, room)
    got = raw_getsockopt(s, LEVEL, FILTER, head + bytes(128 * room))
    if isinstance(got, str):
        return got
    held, size = got
    mode, count = struct.unpack_from('=II', held, 136)
    at = 8 if FAMILY == socket.AF_INET6 else 4
    width = 16 if FAMILY == socket.AF_INET6 else 4
    sources = [socket.inet_ntop(FAMILY, held[144 + 128 * i + at:][:width]) for i in range(min(count, room))]
    return mode, count, sorted(sources), size


def heard(receiver, sender):
    """Whether the receiver gets what the sender sends to the group from the loopback address."""
    sender.sendto(b'group', (GROUP, receiver.getsockname()[1]))
    ready, _, _ = select.select([receiver], [], [], 0.3)
    return bool(ready) and receiver.recv(9) == b'group'


def group_sources():
    s = udp()
    s.bind(('', 0))
    show('sources of no member', [change(s, n, OTHER) for n in (BLOCK, UNBLOCK, LEAVE_SOURCE)],
         set_filter(s, EXCLUDE, OTHER), set_filter(s, INCLUDE), get_filter(s))
    show('sources included', change(s, JOIN_SOURCE, OTHER), get_filter(s), change(s, JOIN_SOURCE, OTHER),
         change(s, JOIN_SOURCE, THIRD), get_filter(s), get_filter(s, room=1), get_filter(s, room=0),
         change(s, BLOCK, THIRD), member(s, JOIN_GROUP), change(s, LEAVE_SOURCE, LOOPBACK),
         change(s, LEAVE_SOURCE, OTHER), get_filter(s), change(s, LEAVE_SOURCE, THIRD), get_filter(s),
         member(s, LEAVE_GROUP))
    show('sources excluded', member(s, JOIN_GROUP), get_filter(s), change(s, UNBLOCK, OTHER),
         change(s, BLOCK, OTHER), change(s, BLOCK, OTHER), get_filter(s), change(s, JOIN_SOURCE, OTHER),
         change(s, BLOCK, THIRD), change(s, UNBLOCK, OTHER), get_filter(s), member(s, LEAVE_GROUP))
    show('sources, mode changed', member(s, JOIN_GROUP), change(s, JOIN_SOURCE, OTHER), get_filter(s),
         set_filter(s, EXCLUDE, OTHER, THIRD), get_filter(s), set_filter(s, EXCLUDE), get_filter(s),
         set_filter(s, INCLUDE, OTHER), get_filter(s), set_filter(s, 2, OTHER), set_filter(s, INCLUDE),
         get_filter(s))
    limit = 64 if FAMILY == socket.AF_INET6 else 10
    many = [OTHER[:-1] + format(i, 'x' if FAMILY == socket.AF_INET6 else 'd') for i in range(1, limit + 2)]
    show('sources, too many', [change(s, JOIN_SOURCE, x) for x in many].count('ENOBUFS'),
         get_filter(s, room=2)[1], set_filter(s, EXCLUDE, *many), set_filter(s, EXCLUDE, *many[1:]),
         get_filter(s, room=99)[:2], member(s, LEAVE_GROUP))
    show('sources, bad arguments', change(s, JOIN_SOURCE, OTHER, group=OTHER), change(s, JOIN_SOURCE, OTHER, index=99),
         change(s, JOIN_SOURCE, OTHER, family=socket.AF_UNIX), set_filter(s, INCLUDE, OTHER, count=2),
         set_filter(s, INCLUDE, OTHER, count=70000), set_filter(s, INCLUDE, OTHER, group=OTHER),
         attempt(s.setsockopt, LEVEL, JOIN_SOURCE, source_request(OTHER)[:-1]), get_filter(s, group=OTHER),
         get_filter(s, index=99), raw_getsockopt(s, LEVEL, FILTER, bytes(143)))
    if FAMILY == socket.AF_INET6:
        return  # Linux has no route for groups on the loopback interface
    sender = udp()
    sender.bind((LOOPBACK, 0))
    sender.setsockopt(LEVEL, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
    show('sources heard', heard(s, sender), member(s, JOIN_GROUP), heard(s, sender), change(s, BLOCK, LOOPBACK),
         heard(s, sender), change(s, UNBLOCK, LOOPBACK), heard(s, sender), set_filter(s, INCLUDE, OTHER),
         heard(s, sender), change(s, JOIN_SOURCE, LOOPBACK), heard(s, sender))
    other = udp()
    other.bind(('', 0))
    show('sources, other sockets', heard(other, sender), change(s, LEAVE_SOURCE, LOOPBACK), heard(other, sender),
         attempt(other.setsockopt, LEVEL, 49, 0), change(s, JOIN_SOURCE, LOOPBACK), heard(other, sender),
         heard(s, sender))
    four = udp()

    def change4(name, source, group=GROUP, interface=LOOPBACK):
        parts = b''.join(socket.inet_aton(x) for x in (group, interface, source))
        return attempt(four.setsockopt, 0, name, parts)

    def filter4(mode, *sources):
        parts = socket.inet_aton(GROUP) + socket.inet_aton(LOOPBACK) + struct.pack('=II', mode, len(sources))
        return attempt(four.setsockopt, 0, 41, parts + b''.join(socket.inet_aton(x) for x in sources))

    def get4(room=4):
        parts = socket.inet_aton(GROUP) + socket.inet_aton(LOOPBACK) + struct.pack('=II', 7, room)
        return raw_getsockopt(four, 0, 41, parts + bytes(4 * room))

    unblock, block, add, drop = 37, 38, 39, 40
    show('sources by address', change4(block, OTHER), change4(add, OTHER), get4(), get4(0), change4(add, THIRD),
         change4(drop, OTHER), get4()[1:], filter4(EXCLUDE, OTHER), get4(), change4(block, THIRD),
         change4(unblock, OTHER), change4(unblock, OTHER), get4(), filter4(INCLUDE), get4(),
         change4(add, OTHER, group=OTHER), change4(add, OTHER, interface=OTHER))


def fast_open():
    flag = 0x20000000
    l, c = listener(), tcp()
    show('fast open', attempt(c.sendto, b'abc', flag, address(l)))
    a, _ = l.accept()
    a.settimeout(5)
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
    def interrupt(*_):
        if address(s)[1] != 0:
            raise Interrupted()
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
    try:
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


# --- IP options, ip(7) -----------------------------------------------------------------------------

IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS = 4, 6, 7
RECORD_ROUTE = bytes((7, 11, 4)) + bytes(8)
TIMES_AND_ADDRESSES = bytes((68, 20, 5, 1)) + bytes(16)
TIMES = bytes((68, 12, 5, 0)) + bytes(8)
NAMED = bytes((68, 20, 5, 3, 127, 0, 0, 1)) + bytes(4) + bytes((192, 0, 2, 9)) + bytes(4)
ROUTER_ALERT = bytes((148, 4, 0, 0))


def set_options(s, value):
    """What became of it, and what is set then."""
    result = attempt(s.setsockopt, socket.IPPROTO_IP, IP_OPTIONS, value)
    return result, s.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40).hex()


def timeless(options):
    """In hexadecimal, with the times that were filled in as 'T'."""
    out, i = '', 0
    while i < len(options):
        length = options[i + 1] if options[i] > 1 else 1
        option = options[i:i + length]
        if option[0] == 68:
            slot = 4 if option[3] & 15 == 0 else 8
            out += option[:4].hex()
            for j in range(4, length, slot):
                time = option[j + slot - 4:j + slot]
                out += option[j:j + slot - 4].hex() + ('T' if any(time) else '0')
        else:
            out += option.hex()
        out += ' '
        i += length
    return out.strip()


def told(message):
    data, ancillary, flags, _ = message
    return data, [(kind, timeless(value)) for _, kind, value in ancillary], flags


def ip_options():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(FAMILY, kind)
        show('options', kind, set_options(s, b''), s.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 2))
        for value in (b'\1', b'\1\1\1\1', b'\0', b'\0\1\7', ROUTER_ALERT, RECORD_ROUTE, RECORD_ROUTE + b'\1',
                      RECORD_ROUTE + RECORD_ROUTE, bytes((7, 11, 8)) + bytes(range(8)), bytes((7, 11, 12)) + bytes(range(8)),
                      bytes((7, 11, 9)) + bytes(8), bytes((7, 11, 3)) + bytes(8), bytes((7, 2)), bytes((7, 3, 4)),
                      TIMES, TIMES_AND_ADDRESSES, TIMES + TIMES, bytes((68, 12, 9, 0)) + bytes(range(1, 9)),
                      bytes((68, 12, 13, 0)) + bytes(range(1, 9)), bytes((68, 12, 13, 0xf0)) + bytes(8),
                      bytes((68, 12, 4, 0)) + bytes(8), bytes((68, 3, 5)), bytes((68, 4, 5, 0)), bytes((68, 8, 5, 1)) + bytes(4),
                      RECORD_ROUTE + TIMES + ROUTER_ALERT, bytes((148, 2)), bytes((148, 4, 0, 1)), bytes((130,)),
                      bytes((130, 1)), bytes((130, 5, 0, 0)), bytes((136, 4, 1, 2)), bytes((222, 3, 9)),
                      bytes((134, 6, 0, 0, 0, 1)), bytes(40), bytes(41), b'\1' * 40, b''):
            show('options set', kind, value.hex(), set_options(s, value))
        show('options taken away', set_options(s, ROUTER_ALERT), set_options(s, b''))

    receiver, sender = udp(), udp()
    receiver.bind((LOOPBACK, 0))
    receiver.settimeout(5)
    for name in (IP_RECVOPTS, IP_RETOPTS):
        show('options wanted', attempt(receiver.setsockopt, socket.IPPROTO_IP, name, 1),
             receiver.getsockopt(socket.IPPROTO_IP, name))
    if FAMILY == socket.AF_INET6:
        receiver.close()
        receiver = udp()
        receiver.bind(('::ffff:127.0.0.1', 0))
        receiver.settimeout(5)
        for name in (IP_RECVOPTS, IP_RETOPTS):
            receiver.setsockopt(socket.IPPROTO_IP, name, 1)
    sender.sendto(b'none', address(receiver))
    show('options of none', told(receiver.recvmsg(50, 500)))
    for value in (ROUTER_ALERT, b'\1\1\1\1', RECORD_ROUTE, TIMES, TIMES_AND_ADDRESSES, NAMED, ROUTER_ALERT + RECORD_ROUTE + TIMES,
                  bytes((7, 7, 8, 1, 2, 3, 4)), bytes((136, 4, 1, 2))):
        set_options(sender, value)
        sender.sendto(b'x', address(receiver))
        show('options arrive', value.hex(), told(receiver.recvmsg(50, 500)))
        sender.sendto(b'y' * 40000, address(receiver))
        data, ancillary, flags, _ = receiver.recvmsg(50000, 500)
        show('options of a large one', value.hex(), told((len(data), ancillary, flags, 0)))
    for size in (socket.CMSG_SPACE(0), socket.CMSG_SPACE(6), socket.CMSG_SPACE(24)):
        set_options(sender, RECORD_ROUTE + TIMES)
        sender.sendto(b'z', address(receiver))
        data, ancillary, flags, _ = receiver.recvmsg(50, size)
        show('options cut', size, [(kind, len(value)) for _, kind, value in ancillary], flags)
    receiver.setsockopt(socket.IPPROTO_IP, IP_RETOPTS, 0)
    for value in (b'', RECORD_ROUTE, bytes((7, 2)), b'\1' * 44, bytes((134, 6, 0, 0, 0, 1))):
        result = attempt(sender.sendmsg, [b'w'], [(socket.IPPROTO_IP, IP_RETOPTS, value)], 0, address(receiver))
        show('options by message', value.hex(), result, result == 1 and told(receiver.recvmsg(50, 500)))
    show('too large with options', attempt(sender.sendto, b'x' * 65500, address(receiver)))

    l, c = tcp(), tcp()
    l.bind(('::ffff:127.0.0.1' if FAMILY == socket.AF_INET6 else LOOPBACK, 0))
    set_options(l, ROUTER_ALERT)
    l.listen()
    show('options of a client', set_options(c, ROUTER_ALERT + RECORD_ROUTE))
    c.connect(address(l))
    a, _ = l.accept()
    show('options of a SYN', timeless(a.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40)),
         timeless(c.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40)), timeless(l.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40)))
    c.sendall(b'x' * 100000)
    show('stream with options', sum(len(a.recv(50000, socket.MSG_WAITALL)) for _ in range(2)))
    show('options while connected', set_options(a, TIMES), set_options(c, b''))
    a.sendall(b'x' * 1000)
    show('answered with options', len(c.recv(1000, socket.MSG_WAITALL)))
    c = tcp()
    c.connect(address(l))
    a, _ = l.accept()
    show('options of a SYN without', a.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40))
    if FAMILY == socket.AF_INET:
        raw = socket.socket(FAMILY, socket.SOCK_RAW, 253)
        other = socket.socket(FAMILY, socket.SOCK_RAW, 253)
        raw.settimeout(5)
        raw.setsockopt(socket.IPPROTO_IP, IP_RECVOPTS, 1)
        set_options(other, RECORD_ROUTE)
        other.sendto(b'raw', (LOOPBACK, 0))
        show('options of a raw socket', told(raw.recvmsg(200, 500))[1])
        other.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        show('options beside a header', attempt(other.sendto, bytes((0x45,)) + bytes(30), (LOOPBACK, 0)))


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
    c.settimeout(5)
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


def sums_and_sizes():
    UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX = 101, 102
    SO_NO_CHECK = 11
    r, s = udp(), udp()
    r.bind((LOOPBACK, 0))
    s.connect(address(r))
    six = FAMILY == socket.AF_INET6
    level, no_sum = (socket.IPPROTO_UDP, UDP_NO_CHECK6_TX) if six else (socket.SOL_SOCKET, SO_NO_CHECK)
    s.setsockopt(level, no_sum, 1)
    show('without a sum', s.send(b'a'), settled(r))
    if not six:
        return
    r.setsockopt(socket.IPPROTO_UDP, UDP_NO_CHECK6_RX, 1)
    show('without a sum, wanted', s.send(b'b'), readable(r), r.recv(10))
    show('train without a sum', attempt(s.sendmsg, [b'abcd'], [(socket.IPPROTO_UDP, 103, struct.pack('H', 2))]))
    IPV6_MTU, IPV6_RECVPATHMTU, IPV6_PATHMTU, IPV6_DONTFRAG = 24, 60, 61, 62
    s = udp()
    s.connect(address(r))
    s.setblocking(False)
    s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU, 1280)
    show('lowered MTU', s.send(b'x' * 3000), readable(r), len(r.recv(5000)))
    show('not in fragments, once', attempt(s.sendmsg, [b'x' * 3000], [(socket.IPPROTO_IPV6, IPV6_DONTFRAG, struct.pack('i', 1))]))
    s.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPATHMTU, 1)
    show('not in fragments', attempt(s.sendmsg, [b'x' * (1280 - 47)]), attempt(s.sendmsg, [b'x' * (1280 - 48)]))
    data, control, _, name = s.recvmsg(10, 200)
    show('path MTU', data, [(l, t, d.hex()) for l, t, d in control], name)
    show('path MTU again', attempt(s.recvmsg, 10, 200))
    show('in fragments after all', attempt(s.sendmsg, [b'x' * 3000], [(socket.IPPROTO_IPV6, IPV6_DONTFRAG, struct.pack('i', 0))]))


for part in (fresh_sockets, connecting, fast_open, interrupted_connecting, streams, bulk, endings, listening,
             signals, datagrams, group_sources, ip_options, far_and_near, saved_syns, sums_and_sizes):
    part()
os._exit(0)
