"""Sources of multicast groups (RFC 3678)."""
import select, socket, struct

from semantics.report import SETTLE, attempt, show
from semantics.sockets import FAMILY, LOOPBACK, address, raw_getsockopt, udp

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
    ready, _, _ = select.select([receiver], [], [], SETTLE)
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
