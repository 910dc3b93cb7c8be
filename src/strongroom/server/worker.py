"""A worker process: one Vault, one consumer of its queue. Niced, so that a heavy job never slows a poll."""

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Awaitable, Callable

import uvloop

from strongroom.config import Settings
from strongroom.server import lifeline, logs
from strongroom.server.lifeline import Orders

Work = Callable[[Settings, str, str | None, Callable[[], None], asyncio.Event], Awaitable[None]]
"""Works until the event is set. It gets the settings, this worker's id, the id of the dead worker that it replaces
(whose messages it gives out anew) and a function to call when it is ready."""

_NICENESS = 5


def run(work: Work, report_to: int) -> int:
    """Work for a supervisor until SIGTERM, or until it is gone; the exit code."""
    os.nice(_NICENESS)
    return lifeline.obey(report_to, "worker", lambda orders, ready: uvloop.run(_run(work, orders, ready)))


def run_alone(work: Work, settings: Settings, ready: Callable[[], None]) -> int:
    """Work without a supervisor, on another machine than the server, until SIGTERM or SIGINT; the exit code."""
    logs.configure(settings.log_level, "worker")
    uvloop.run(_run_alone(work, settings, ready))
    return 0


async def _run(work: Work, orders: Orders, ready: Callable[[], None]) -> None:
    stop, loop = _stopped_by_signals(), asyncio.get_running_loop()
    with lifeline.held(orders.settings, orders.settings.drain_seconds, lambda: _from_thread(loop, stop.set)):
        await work(orders.settings, orders.worker_id, orders.replaces, ready, stop)


async def _run_alone(work: Work, settings: Settings, ready: Callable[[], None]) -> None:
    await work(settings, str(uuid.uuid4()), None, ready, _stopped_by_signals())


def _stopped_by_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _from_thread(loop: asyncio.AbstractEventLoop, deed: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has just been closed: there is nothing left to stop
        loop.call_soon_threadsafe(deed)
