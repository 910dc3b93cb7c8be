"""Ends jobs that have run out of time, and those that have been silent for too long."""

import asyncio

import structlog

from strongroom.engine.lookout import Lookout
from strongroom.engine.rounds import repeat
from strongroom.services import job_ends
from strongroom.vault import Vault

_MOST_OFTEN, _LEAST_OFTEN = 1.0, 10.0  # seconds between two looks for silent jobs

_log = structlog.get_logger(__name__)


async def run(vault: Vault, lookout: Lookout, stop: asyncio.Event) -> None:
    """Watch until ``stop`` is set and there is no other look. Any number of workers may do this at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_end_overdue(vault, lookout))
        group.create_task(repeat(lambda: job_ends.end_silent(vault), _silent_every(vault), stop))


async def _end_overdue(vault: Vault, lookout: Lookout) -> None:
    while (outlook := await lookout.next()) is not None:
        try:
            if outlook.overdue:
                await job_ends.end_overdue(vault)
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next look tries again
            _log.exception("watchdog_failed")


def _silent_every(vault: Vault) -> float:
    """Look the less often the longer a job may be silent: what it takes beyond that is little beside it."""
    return max(_MOST_OFTEN, min(_LEAST_OFTEN, vault.settings.inactivity_minutes * 60 / 10))
