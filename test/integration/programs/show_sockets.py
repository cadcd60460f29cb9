"""Opens sockets of many kinds, and prints what each ss(8) command line of its arguments says about them.

    show_sockets.py REMOTE_ADDRESS REMOTE_PORT 'ss -Htan' ...
"""

import shlex
import socket
import struct
import subprocess
import sys
import time

BYTES_ACKED = 120  # where tcp_info has it, which is 64 bits wide


def listener(family, address, port):
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(7)
    return server


def client(port, address):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("", port))
    made.connect(address)
    return made


def datagram(address, peer=None):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(address)
    if peer:
        made.connect(peer)
    return made


def wait_until_acknowledged(sender, size):
    """So that queues and counters do not depend on when they are looked at."""
    while struct.unpack_from("=Q", sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), BYTES_ACKED)[0] < size:
        time.sleep(0.01)


def main():
    remote = (sys.argv[1], int(sys.argv[2]))
    server = listener(socket.AF_INET, "0.0.0.0", 8080)
    kept = [
        server, listener(socket.AF_INET6, "::1", 8081), listener(socket.AF_INET6, "::", 8082),
        client(40001, ("127.0.0.1", 8080)), server.accept()[0],
        client(40002, remote), client(40003, ("127.0.0.1", 8080)), server.accept()[0],
        datagram(("127.0.0.1", 5353)), datagram(("0.0.0.0", 5354), ("127.0.0.1", 5353))]
    kept[5].sendall(b"hello")
    wait_until_acknowledged(kept[5], 5)
    for line in sys.argv[3:]:
        print("===", line, flush=True)
        done = subprocess.run(shlex.split(line), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        print(done.stdout.decode(), "exit", done.returncode, flush=True)


main()
