"""What a worker does beside its messages: finds jobs that have none, and throws away what nobody needs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from strongroom.services import housekeeping, job_runs
from strongroom.vault import Vault

UNTOUCHED_SECONDS = 5.0
_RESEND_EVERY, _TIDY_EVERY, _SWEEP_EVERY = 2.5, 60.0, 3600.0  # seconds

_log = structlog.get_logger(__name__)


async def run(vault: Vault, stop: asyncio.Event) -> None:
    """Look every now and then until ``stop`` is set. Any number of workers may do this at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat(lambda: job_runs.resend_lost(vault, UNTOUCHED_SECONDS), _RESEND_EVERY, stop))
        group.create_task(_repeat(lambda: housekeeping.tidy(vault), _TIDY_EVERY, stop))
        group.create_task(_repeat(lambda: housekeeping.sweep_blobs(vault), _SWEEP_EVERY, stop))
        group.create_task(_repeat(lambda: housekeeping.search_blobs(vault), _SWEEP_EVERY, stop))


async def _repeat(deed: Callable[[], Awaitable[object]], seconds: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await deed()
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next round tries again
            _log.exception("sweep_failed")
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue
