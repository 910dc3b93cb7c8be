"""A balancer: passes connections on to the next of several targets that can be reached. ``relay.py FD=HOST:PORT,... ...``

Its listening sockets are inherited, and those of another network than the one in which it runs: so a test reaches hosts
that it does not see.
"""

import asyncio
import itertools
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

PATIENCE = 2.0  # seconds for a target to take a connection


async def main(arguments: Sequence[str]) -> None:
    """Pass on until the end."""
    for argument in arguments:
        descriptor, _, targets = argument.partition("=")
        await _listen(socket.socket(fileno=int(descriptor)), targets.split(","))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _listen(listener: socket.socket, targets: Sequence[str]) -> None:
    turns = itertools.cycle(range(len(targets)))

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turns)
        connected = await _connect(iter([*targets[first:], *targets[:first]]))
        if connected is None:
            writer.transport.abort()
            return
        far_reader, far_writer = connected
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        for each in (writer, far_writer):
            each.close()

    await asyncio.start_server(passed_on, sock=listener)


async def _connect(targets: Iterator[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    for target in targets:
        host, _, port = target.partition(":")
        with suppress(OSError, TimeoutError):
            return await asyncio.wait_for(asyncio.open_connection(host, int(port)), PATIENCE)
    return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
