"""What a worker does again and again beside its messages."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

_log = structlog.get_logger(__name__)


async def repeat(deed: Callable[[], Awaitable[object]], seconds: float, stop: asyncio.Event) -> None:
    """Do something, and again after so many seconds, until ``stop`` is set; an error is logged and ends nothing."""
    while not stop.is_set():
        try:
            await deed()
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next round tries again
            _log.exception("round_failed")
        await pause(stop, seconds)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait for so many seconds, or until ``stop`` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
