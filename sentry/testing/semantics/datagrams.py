"""Datagrams: their bounds, order, errors, sums and sizes."""
import socket, struct, threading, time

from semantics.report import SETTLE, attempt, show
from semantics.sockets import (FAMILY, LOOPBACK, address, readable, set_timeout, settled, timed,
                               udp, waiting)


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
