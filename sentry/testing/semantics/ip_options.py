"""IP options (ip(7))."""
import socket

from semantics.report import attempt, show
from semantics.sockets import FAMILY, LOOPBACK, address, option, tcp, udp

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
    receiver.settimeout(60)
    for name in (IP_RECVOPTS, IP_RETOPTS):
        show('options wanted', attempt(receiver.setsockopt, socket.IPPROTO_IP, name, 1),
             receiver.getsockopt(socket.IPPROTO_IP, name))
    if FAMILY == socket.AF_INET6:
        receiver.close()
        receiver = udp()
        receiver.bind(('::ffff:127.0.0.1', 0))
        receiver.settimeout(60)
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
        raw.settimeout(60)
        raw.setsockopt(socket.IPPROTO_IP, IP_RECVOPTS, 1)
        set_options(other, RECORD_ROUTE)
        other.sendto(b'raw', (LOOPBACK, 0))
        show('options of a raw socket', told(raw.recvmsg(200, 500))[1])
        other.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        show('options beside a header', attempt(other.sendto, bytes((0x45,)) + bytes(30), (LOOPBACK, 0)))
