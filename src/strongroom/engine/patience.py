"""A full disk is waited for: work that is given back and tried too often would be given up."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from strongroom.store.passing import is_full

FULL_PAUSE = 2.0
"""How many seconds work that has found a disk full waits before it is tried again."""

_log = structlog.get_logger(__name__)


async def patiently(job_id: int, deed: Callable[[], Awaitable[None]]) -> None:
    """Do a job's work, again and again for as long as a disk is full."""
    while True:
        try:
            await deed()
        except Exception as error:
            if not is_full(error):
                raise
            _log.warning("disk_full", job_id=job_id, again_in=FULL_PAUSE)
            await asyncio.sleep(FULL_PAUSE)
        else:
            return
