"""The scheduler: makes the next job of each definition, and begins what is due. Any number of workers may do this."""

import asyncio

import structlog

from strongroom.engine.rounds import pause
from strongroom.services import scheduled_jobs
from strongroom.vault import Vault

_EVERY = 1.0  # seconds

_log = structlog.get_logger(__name__)


async def run(vault: Vault, stop: asyncio.Event) -> None:
    """Look every second, and as soon as the next job is due, until ``stop`` is set."""
    while not stop.is_set():
        seconds = _EVERY
        try:
            seconds = await _look(vault)
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next look tries again
            _log.exception("scheduler_failed")
        await pause(stop, seconds)


async def _look(vault: Vault) -> float:
    """Do what there is to do; gives the seconds until the next look."""
    await scheduled_jobs.make_missing(vault)
    await scheduled_jobs.begin_due(vault)
    seconds = await scheduled_jobs.seconds_to_next(vault)
    return _EVERY if seconds is None else max(0.0, min(_EVERY, seconds))
