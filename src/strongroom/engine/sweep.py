"""Finds active jobs that have no message, and writes it anew."""

import asyncio

import structlog

from strongroom.services import housekeeping, job_runs
from strongroom.vault import Vault

UNTOUCHED_SECONDS = 5.0
_EVERY_SECONDS = 2.5

_log = structlog.get_logger(__name__)


async def run(vault: Vault, stop: asyncio.Event) -> None:
    """Look every few seconds until ``stop`` is set. Any number of workers may do this at once."""
    while not stop.is_set():
        try:
            await job_runs.resend_lost(vault, UNTOUCHED_SECONDS)
            await housekeeping.tidy(vault)
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next round tries again
            _log.exception("sweep_failed")
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_SECONDS)
        except TimeoutError:
            continue
