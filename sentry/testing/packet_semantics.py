"""Prints what calls on packet sockets do, one line per situation: the oracle natively, to be the same in a
sandbox (socket_semantics_test.py). Needs CAP_NET_RAW. Everything happens on loopback.
"""
import array, ctypes, errno, fcntl, os, select, socket, struct, sys, time

sys.dont_write_bytecode = True  # the modules lie in the source tree

from semantics.report import SETTLE, attempt, show

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, EXPERIMENTAL = 0x0003, 0x0800, 0x86dd, 0x88b5
SOL_PACKET = 263
ADD, DROP, STATISTICS, AUXDATA, ORIGDEV, IGNORE_OUTGOING, QDISC_BYPASS = 1, 2, 6, 8, 9, 23, 20
SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER, SO_TIMESTAMPNS = 26, 27, 44, 35
LO = socket.if_nametoindex('lo')


def packet(kind=socket.SOCK_RAW, protocol=0, bound=True):
    s = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
    s.settimeout(60)
    if bound:
        s.bind(('lo', protocol))
    return s


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    s.settimeout(60)
    return s


def quiet(s):
    """Whether nothing more comes."""
    return not select.select([s], [], [], SETTLE)[0]


def name(address):
    device, protocol, kind, hardware, mac = address
    return device, hex(protocol), kind, hardware, mac.hex()


def frames(s, count):
    out = []
    for _ in range(count):
        data, address = s.recvfrom(70000)
        out.append((len(data), data[:14].hex(), data[-4:], name(address)))
    return out


def datagram(payload=b'moat', receiver=None):
    sender = udp()
    receiver = receiver or udp()
    sender.sendto(payload, receiver.getsockname())
    return receiver.recv(70000)


def sockaddr(family=17, protocol=0, index=LO, halen=6, mac=bytes(6), cut=20):
    return struct.pack('=HHiHBB8s', family, socket.htons(protocol), index, 0, 0, halen, mac)[:cut]


LIBC = ctypes.CDLL(None, use_errno=True)


def raw(call, s, *arguments):
    """What the C library's function says, or the name of the errno."""
    result = getattr(LIBC, call)(s.fileno(), *arguments)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else result


def raw_bind(s, address):
    return raw('bind', s, address, len(address))


def raw_send(s, data, address):
    return raw('sendto', s, data, ctypes.c_size_t(len(data)), 0, address, len(address))


def raw_receive(s, flags):
    buffer, address, size = ctypes.create_string_buffer(10), ctypes.create_string_buffer(20), ctypes.c_int(20)
    result = raw('recvfrom', s, buffer, ctypes.c_size_t(10), flags, address, ctypes.byref(size))
    return result, size.value


def fresh():
    for kind in (1, 2, 3, 4, 5):
        show('type', kind, attempt(lambda: socket.socket(socket.AF_PACKET, kind, 0).type))
    show('flags', attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW | 0x10, 0)))
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        s = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_ALL))
        show('fresh name', s.getsockname(), attempt(s.getpeername))
        for option in (socket.SO_TYPE, 38, 39, socket.SO_ERROR, 48, 30):
            show('fresh option', option, attempt(s.getsockopt, socket.SOL_SOCKET, option))
        show('refused', attempt(s.connect, ('lo', 3)), attempt(s.listen, 1), attempt(s.accept),
             attempt(s.shutdown, socket.SHUT_RDWR), attempt(s.getsockopt, socket.SOL_SOCKET, 28, 16))
        for level in (0, 6, 41, 255):
            show('level', level, attempt(s.getsockopt, level, 1), attempt(s.setsockopt, level, 1, 1))


def binding():
    s = packet(protocol=ETH_P_ALL, bound=False)
    show('bind, keeps the protocol', raw_bind(s, sockaddr()), name(s.getsockname()))
    show('bind, changes it', raw_bind(s, sockaddr(protocol=EXPERIMENTAL)), name(s.getsockname()))
    show('bind to all', raw_bind(s, sockaddr(index=0)), s.getsockname())
    show('bind, errors', raw_bind(s, sockaddr(index=4711)), raw_bind(s, sockaddr(family=2)),
         raw_bind(s, sockaddr(cut=19)), raw_bind(s, b''), raw_bind(s, sockaddr(halen=200)))


def loopback():
    everything, ip, cooked = packet(protocol=ETH_P_ALL), packet(protocol=ETH_P_IP), packet(socket.SOCK_DGRAM, ETH_P_IP)
    nothing, other = packet(bound=False), packet(protocol=EXPERIMENTAL)
    datagram()
    show('all', *frames(everything, 2))
    show('ip', *frames(ip, 1))
    data, address = cooked.recvfrom(100)
    show('cooked', len(data), data[0], data[-4:], name(address))
    show('quiet', *[quiet(s) for s in (everything, ip, cooked, nothing, other)])
    nothing.bind(('lo', ETH_P_IP))
    everything.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    datagram(bytes(5000) + b'last')
    show('after bind', *frames(nothing, 1))
    show('without outgoing', *frames(everything, 1), quiet(everything))


def receiving():
    s = packet(protocol=ETH_P_IP)
    datagram()
    select.select([s], [], [], 60)
    size = array.array('i', [0])
    fcntl.ioctl(s, 0x541B, size)
    show('FIONREAD', size[0])
    show('peek', len(s.recvfrom(10, socket.MSG_PEEK)[0]), raw_receive(s, socket.MSG_PEEK | socket.MSG_TRUNC),
         raw_receive(s, socket.MSG_TRUNC))
    datagram()
    data, ancillary, flags, address = s.recvmsg(20, 100)
    show('truncated', len(data), ancillary, flags == socket.MSG_TRUNC, name(address))
    show('flags', raw_receive(s, socket.MSG_OOB | socket.MSG_DONTWAIT), raw_receive(s, socket.MSG_DONTWAIT),
         raw_receive(s, socket.MSG_ERRQUEUE), raw_receive(s, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT))
    show('options', *[(option, attempt(s.setsockopt, SOL_PACKET, option, 1), attempt(s.getsockopt, SOL_PACKET, option))
                      for option in (AUXDATA, ORIGDEV, QDISC_BYPASS)])
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    datagram()
    data, ancillary, flags, address = s.recvmsg(100, 200)
    for level, kind, value in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, _ = struct.unpack('=qq', value)
            show('timestamp', abs(time.time() - seconds) < 60)
        else:
            show('auxiliary', level, kind, [hex(x) for x in struct.unpack('=IIIHHHH', value)])
    show('no room', s.recvmsg(100, 0, socket.MSG_DONTWAIT) if not quiet(s) else None)
    datagram()
    _, ancillary, flags, _ = s.recvmsg(100, 20)
    show('little room', len(ancillary), flags == socket.MSG_CTRUNC)


def statistics():
    s = packet(protocol=ETH_P_IP)
    for _ in range(3):
        datagram()
    show('statistics', s.getsockopt(SOL_PACKET, STATISTICS, 8).hex(), s.getsockopt(SOL_PACKET, STATISTICS, 8).hex())
    show('short', s.getsockopt(SOL_PACKET, STATISTICS, 4).hex())


def sending():
    s = packet(bound=False)
    frame = bytes(12) + struct.pack('>H', EXPERIMENTAL) + b'payload'
    show('plain send, unbound', attempt(s.send, frame))
    show('nothing', attempt(s.sendto, b'', ('lo', 0)))
    watch, all_of_it = packet(protocol=EXPERIMENTAL), packet(protocol=ETH_P_ALL)
    show('raw', attempt(s.sendto, frame, ('lo', 0)), *frames(watch, 1))
    show('all', *frames(all_of_it, 2))
    show('to another', attempt(s.sendto, b'\2' * 6 + frame[6:], ('lo', 0)), frames(watch, 1)[0][3][2])
    show('group', attempt(s.sendto, b'\1' * 6 + frame[6:], ('lo', 0)), frames(watch, 1)[0][3][2])
    show('broadcast', attempt(s.sendto, b'\xff' * 6 + frame[6:], ('lo', 0)), frames(watch, 1)[0][3][2])
    s.bind(('lo', ETH_P_ALL))
    show('bound', attempt(s.send, frame), os.write(s.fileno(), frame), *[f[0] for f in frames(watch, 2)])
    show('plain send of too little', attempt(s.send, bytes(13)))
    show('sizes', attempt(s.sendto, bytes(13), ('lo', 0)), attempt(s.sendto, bytes(70000), ('lo', 0)),
         raw_send(s, frame, sockaddr(cut=19)), raw_send(s, frame, sockaddr(index=99)),
         raw_send(s, frame, sockaddr(halen=9)), raw_send(s, frame, sockaddr(family=0)), frames(watch, 1)[0][0])
    cooked = packet(socket.SOCK_DGRAM, EXPERIMENTAL)
    show('cooked', attempt(cooked.sendto, b'abcd', ('lo', EXPERIMENTAL, 0, 0, b'\0' * 6)), *frames(watch, 1))
    show('cooked, no name', attempt(cooked.send, b'abcd'), frames(watch, 1)[0][0])
    show('cooked, short address', attempt(cooked.sendto, b'abcd', ('lo', EXPERIMENTAL, 0, 0, b'\0' * 3)) != 4)


def program(*code):
    instructions = (ctypes.c_ubyte * (8 * len(code)))(*b''.join(struct.pack('=HBBI', *i) for i in code))
    return struct.pack('=HxxxxxxQ', len(code), ctypes.addressof(instructions)), instructions


def filters():
    s = packet(protocol=ETH_P_IP)
    last = ((0x80, 0, 0, 0), (0x14, 0, 0, 1), (0x07, 0, 0, 0), (0x50, 0, 0, 0), (0x15, 0, 1, ord('y')), (6, 0, 0, 20),
            (6, 0, 0, 0))  # does the last byte say y? then 20 bytes
    value, keep = program(*last)
    show('attach', attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, value))
    datagram(b'no')
    datagram(b'by')
    data, address = s.recvfrom(100)
    show('filtered', len(data), name(address)[1:3], quiet(s))
    show('counts what passes', s.getsockopt(SOL_PACKET, STATISTICS, 8).hex())
    cooked = packet(socket.SOCK_DGRAM, ETH_P_IP)
    value, keep2 = program((0x30, 0, 0, 9), (0x15, 0, 1, 17), (6, 0, 0, 0xffff), (6, 0, 0, 0))
    show('attach', attempt(cooked.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, value))
    datagram()
    show('from the network header', len(cooked.recv(100)))
    asks = packet(protocol=ETH_P_ALL)
    value, keep3 = program((0x20, 0, 0, 0xfffff004), (0x15, 0, 1, 4), (6, 0, 0, 0xffff), (6, 0, 0, 0))
    show('attach', attempt(asks.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, value))
    datagram()
    show('outgoing only', name(asks.recvfrom(100)[1])[2], quiet(asks))
    for text, code in (('loop', ((5, 0, 0, 0xffffffff), (6, 0, 0, 1))), ('no return', ((0, 0, 0, 1),)),
                       ('division', ((0x34, 0, 0, 0), (6, 0, 0, 1))), ('code', ((0xff, 0, 0, 0), (6, 0, 0, 1)))):
        value, keep4 = program(*code)
        show('refused', text, attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, value))
    show('refused', attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(16)),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(15)),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('=HxxxxxxQ', 2, 0)),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('=HxxxxxxQ', 2, 16)))
    show('detach', attempt(s.setsockopt, socket.SOL_SOCKET, SO_DETACH_FILTER, 0),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_DETACH_FILTER, 0))
    value, keep5 = program(*last)
    show('locked', attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, value),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_LOCK_FILTER, 1),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, value),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(16)),  # no instructions
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(15)),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_DETACH_FILTER, 0),
         attempt(s.setsockopt, socket.SOL_SOCKET, SO_LOCK_FILTER, 0))


def memberships():
    s = packet()

    def change(what, kind, index=LO, alen=6, cut=16):
        return attempt(s.setsockopt, SOL_PACKET, what,
                       struct.pack('=iHH8s', index, kind, alen, b'\1\0\x5e')[:cut])

    for kind in (0, 1, 2, 3):
        show('membership', kind, change(ADD, kind), change(ADD, kind), change(DROP, kind), change(DROP, kind),
             change(DROP, kind))
    show('membership, errors', change(ADD, 0, index=99), change(ADD, 0, alen=5), change(ADD, 0, alen=7),
         change(ADD, 0, alen=9), change(ADD, 1, alen=0), change(ADD, 1, cut=15), change(DROP, 0, index=99))


def interface():
    s = packet()
    for request in (0x8933, 0x8927, 0x8921):
        show('ioctl', hex(request), attempt(fcntl.ioctl, s, request, struct.pack('16s24x', b'lo'))[16:].hex(),
             attempt(fcntl.ioctl, s, request, struct.pack('16s24x', b'nope')))


def buffers():
    s = packet()
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        show('buffer', s.getsockopt(socket.SOL_SOCKET, option), attempt(s.setsockopt, socket.SOL_SOCKET, option, 8000),
             s.getsockopt(socket.SOL_SOCKET, option))
    show('poll', select.select([s], [s], [s], 0) == ([], [s], []))


def flow_labels():
    """Of the segments that a client sends, whose program chose the label."""
    fast_open = 0x20000000  # MSG_FASTOPEN
    for way in ('connect', 'sendto'):
        listener = socket.socket(socket.AF_INET6)
        listener.bind(('::1', 0))
        listener.listen()
        listener.settimeout(60)
        client = socket.socket(socket.AF_INET6)
        client.setsockopt(socket.IPPROTO_IPV6, 33, 1)  # IPV6_FLOWINFO_SEND
        s = packet(protocol=ETH_P_IPV6)
        s.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
        to = ('::1', listener.getsockname()[1], 0x12345, 0)
        if way == 'connect':
            client.connect(to)
            client.sendall(b'moat')
        else:
            client.sendto(b'moat', fast_open, to)
        accepted = listener.accept()[0]
        accepted.settimeout(60)
        accepted.recv(4)
        client.sendall(b'more')
        accepted.recv(4)
        port, seen, labels = client.getsockname()[1], b'', set()
        while not seen.endswith(b'more'):
            frame = s.recvfrom(70000)[0]
            sender, header = struct.unpack('>H', frame[54:56])[0], 54 + (frame[66] >> 4) * 4
            if sender == port:
                labels.add(struct.unpack('>I', frame[14:18])[0] & 0xfffff)
                seen += frame[header:]
        show('flow labels, ' + way, seen, sorted(map(hex, labels)))


for part in (fresh, binding, loopback, receiving, statistics, sending, filters, memberships, interface,
             buffers, flow_labels):
    part()
os._exit(0)
