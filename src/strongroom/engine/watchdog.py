"""Ends jobs that have run out of time, and those that have been silent for too long."""

import asyncio

from strongroom.engine.rounds import repeat
from strongroom.services import job_ends
from strongroom.vault import Vault

_EVERY = 1.0  # seconds


async def run(vault: Vault, stop: asyncio.Event) -> None:
    """Look about once a second until ``stop`` is set. Any number of workers may do this at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(repeat(lambda: job_ends.end_overdue(vault), _EVERY, stop))
        group.create_task(repeat(lambda: job_ends.end_silent(vault), _EVERY, stop))
