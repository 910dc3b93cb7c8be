"""What a worker does beside its messages: finds jobs that have none, and deletes notes that nobody needs."""

import asyncio

from strongroom.engine.rounds import repeat
from strongroom.services import housekeeping, job_runs
from strongroom.vault import Vault

UNTOUCHED_SECONDS = 5.0
_RESEND_EVERY, _TIDY_EVERY = 2.5, 60.0  # seconds


async def run(vault: Vault, stop: asyncio.Event) -> None:
    """Look every now and then until ``stop`` is set. Any number of workers may do this at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(repeat(lambda: job_runs.resend_lost(vault, UNTOUCHED_SECONDS), _RESEND_EVERY, stop))
        group.create_task(repeat(lambda: housekeeping.tidy(vault), _TIDY_EVERY, stop))
