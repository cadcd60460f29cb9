"""Answers every A and AAAA question over UDP: dns_server.py ADDRESS PORT. Says "ready" when it does."""

import socket
import sys

ANSWER4 = bytes([192, 0, 2, 53])
ANSWER6 = bytes.fromhex("20010db8000000000000000000000053")


def answer(query):
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12:end + 5]
    kind = question[-4:-2]
    data = ANSWER4 if kind == b"\x00\x01" else ANSWER6
    header = query[:2] + b"\x85\x80" + b"\x00\x01\x00\x01\x00\x00\x00\x00"
    record = b"\xc0\x0c" + kind + b"\x00\x01" + b"\x00\x00\x00\x3c" + len(data).to_bytes(2, "big")
    return header + question + record + data


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, port))
    print("ready", flush=True)
    while True:
        query, peer = server.recvfrom(4096)
        server.sendto(answer(query), peer)


main()
