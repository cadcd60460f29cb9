"""What flows through a connection, and how it ends."""
import os, socket, struct, threading, time

from semantics.report import SETTLE, attempt, show
from semantics.sockets import (address, listener, pair, pending, poll, readable, set_timeout,
                               settled, tcp, timed, waiting)


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
