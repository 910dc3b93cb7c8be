"""A worker process: one Vault, one consumer of its queue. Niced, so that a heavy job never slows a poll."""

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import NoReturn

import uvloop

from strongroom.config import Settings
from strongroom.server import lifeline, logs, preparation
from strongroom.server.lifeline import RENEW, Lifeline, Orders
from strongroom.server.preparation import Preparing

Work = Callable[[Settings, str, str | None, Callable[[], None], asyncio.Event], Awaitable[bool]]
"""Works until the event is set. It gets the settings, this worker's id, the id of the dead worker that it replaces
(whose messages it gives out anew) and a function to call when it is ready. It gives whether abandoned code still runs
in the process; for that it may also end by itself."""

_NICENESS = 5


def run(prepare: Preparing, work: Work, report_to: int) -> int:
    """Work for a supervisor until SIGTERM, or until it is gone; the exit code."""
    left = False

    def obey(orders: Orders, line: Lifeline) -> None:
        nonlocal left
        os.nice(_NICENESS)
        left, _ = _finished(_run(work, orders, line))

    code = lifeline.obey(report_to, "worker", partial(preparation.run, prepare), obey)
    if left:
        _leave(RENEW)
    return code


def run_alone(work: Work, settings: Settings, ready: Callable[[], None]) -> int:
    """Work without a supervisor, on another machine than the server, until SIGTERM or SIGINT; the exit code.

    Where a supervisor would put a new worker in its place, the process begins anew: with the same id for the system,
    the same command, and none of the code that ran in it.
    """
    logs.configure(settings.log_level, "worker")
    left, stopped = _finished(_run_alone(work, settings, ready))
    if left and not stopped:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command
    if left:
        _leave(0)
    return 0


async def _run(work: Work, orders: Orders, line: Lifeline) -> tuple[bool, bool]:
    stop, loop = _stopped_by_signals(), asyncio.get_running_loop()
    with line.held(orders.settings, orders.settings.drain_seconds, lambda: _from_thread(loop, stop.set)):
        return await work(orders.settings, orders.worker_id, orders.replaces, line.ready, stop), stop.is_set()


async def _run_alone(work: Work, settings: Settings, ready: Callable[[], None]) -> tuple[bool, bool]:
    stop = _stopped_by_signals()
    return await work(settings, str(uuid.uuid4()), None, ready, stop), stop.is_set()


def _finished(working: Coroutine[None, None, tuple[bool, bool]]) -> tuple[bool, bool]:
    """Run a worker to its end; gives whether abandoned code is left, and whether it was told to stop.

    With code left the loop stays open: closing it would wait for that code, which may be for ever.
    """
    runner, left = asyncio.Runner(loop_factory=uvloop.new_event_loop), False
    try:
        left, stopped = runner.run(working)
    finally:
        if not left:
            runner.close()
    return left, stopped


def _leave(code: int) -> NoReturn:
    """End the process without asking the code that runs in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stopped_by_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _from_thread(loop: asyncio.AbstractEventLoop, deed: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has just been closed: there is nothing left to stop
        loop.call_soon_threadsafe(deed)
