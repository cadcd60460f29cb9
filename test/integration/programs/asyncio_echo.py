"""asyncio streams: asyncio_echo.py serve ADDRESS PORT | talk ADDRESS PORT CONNECTIONS BYTES

`talk` opens the connections at once, sends BYTES on each while reading them back, and compares.
"""

import asyncio
import os
import sys


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve(address, port):
    server = await asyncio.start_server(echo, address, port)
    async with server:
        await server.serve_forever()


async def talk_once(address, port, size):
    reader, writer = await asyncio.open_connection(address, port)
    sent = os.urandom(size)

    async def send():
        writer.write(sent)
        await writer.drain()
        writer.write_eof()

    _, received = await asyncio.gather(send(), reader.read(-1))
    writer.close()
    if received != sent:
        sys.exit("echo differs: sent %d bytes, received %d" % (len(sent), len(received)))


async def talk(address, port, connections, size):
    await asyncio.gather(*(talk_once(address, port, size) for _ in range(connections)))
    print("echoed %d connections of %d bytes" % (connections, size))


def main():
    mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if mode == "serve":
        asyncio.run(serve(address, port))
    else:
        asyncio.run(asyncio.wait_for(
            talk(address, port, int(sys.argv[4]), int(sys.argv[5])), timeout=200))


main()
