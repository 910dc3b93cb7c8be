"""The supervisor's side of a child process: it gets its orders by a pipe, and reports on another that it is ready."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.server.lifeline import PREPARED


@dataclass(frozen=True)
class Child:
    """A running child. Its standard input is its orders and its life-line: it ends when we do."""

    process: Process
    prepared: asyncio.Event
    """Set when it has prepared the database, if it was to."""
    report: asyncio.Future[str]
    """What it says last: that it is ready, or in a sentence why it cannot be; nothing when it ended before."""


async def spawn(command: str, descriptors: Sequence[int] = ()) -> Child:
    """Start ``strongroom COMMAND``, which waits for its orders; it inherits the given open files."""
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "strongroom", command, str(writing)),  # -P: nothing of where we were started
            stdin=PIPE,
            pass_fds=(writing, *descriptors),
            process_group=0,  # Ctrl-C on a terminal reaches the supervisor only, which stops its children in order
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    prepared = asyncio.Event()
    return Child(process, prepared, _report(reading, prepared))


async def give_orders(child: Child, orders: dict[str, Any]) -> None:
    """Tell a child what to do. One that died meanwhile is not told: its end is seen elsewhere."""
    assert child.process.stdin
    with contextlib.suppress(ConnectionError):
        child.process.stdin.write(json.dumps(orders).encode() + b"\n")
        await child.process.stdin.drain()


async def end(child: Child, patience: float, hurry: asyncio.Event) -> int:
    """Ask a child to stop, wait at most ``patience`` seconds (not at all in a hurry), then kill it; the exit code."""
    ended = asyncio.ensure_future(child.process.wait())
    hurried = asyncio.ensure_future(hurry.wait())
    try:
        _send(child, signal.SIGTERM)
        await asyncio.wait({ended, hurried}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            _send(child, signal.SIGKILL)
        return await ended
    finally:
        hurried.cancel()


def _send(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.process.send_signal(number)


def _report(reading: int, prepared: asyncio.Event) -> asyncio.Future[str]:
    loop = asyncio.get_running_loop()
    report: asyncio.Future[str] = loop.create_future()
    said = bytearray()

    def arrived() -> None:
        more = os.read(reading, 4096)
        said.extend(more)
        if said.startswith(PREPARED.encode()):
            del said[: len(PREPARED)]
            prepared.set()
        if not more:
            loop.remove_reader(reading)
            os.close(reading)
            report.set_result(said.decode(errors="replace"))

    loop.add_reader(reading, arrived)
    return report
