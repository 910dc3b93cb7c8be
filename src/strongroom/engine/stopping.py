"""Ends work whose job has ended: a handler is cancelled, and code that takes no notice is abandoned.

What abandoned code writes is refused by the guards of the rows, as are its log lines. It still uses the process; so
a worker that has such code in it for too long is renewed.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field

import structlog

from strongroom.sdk import threads
from strongroom.services import job_messages, job_runs
from strongroom.store.works import Work, Works
from strongroom.vault import Vault

LOOK_EVERY = 0.5  # seconds
PATIENCE = 1.5
"""Seconds that code has to end after it was cancelled: with the look before it, two after the job has ended."""
RENEW_AFTER = 10.0
"""Seconds for which a worker bears abandoned code that still runs."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Stopping:
    """Watches the works of one worker. ``renew`` is set when abandoned code has run in it for too long."""

    vault: Vault
    works: Works
    renew: asyncio.Event = field(default_factory=asyncio.Event)
    threads: dict[threading.Thread, float] = field(default_factory=dict)

    async def look(self) -> None:
        """Stop what works on jobs that have ended."""
        works: dict[int, list[Work]] = {}
        for work in self.works.going_on:
            job_id = _job_of(work)
            if job_id is not None and not work.stopped:
                works.setdefault(job_id, []).append(work)
        if works:
            for job_id in await job_runs.ended_among(self.vault, list(works)):
                for work in works[job_id]:
                    self.works.stop(work, PATIENCE)

    async def bear(self) -> None:
        """Ask for a new worker if this one has abandoned code in it that does not end."""
        now = time.monotonic()
        since = {thread: self.threads.get(thread, now) for thread in threads.abandoned()}
        self.threads.clear()
        self.threads.update(since)
        if any(now - each >= RENEW_AFTER for each in (*since.values(), *self.works.left.values())):
            if not self.renew.is_set():
                _log.warning("worker_is_renewed", abandoned=self.abandoned)
            self.renew.set()

    @property
    def abandoned(self) -> int:
        """How many pieces of abandoned code run in this process."""
        return len(self.works.left) + len(threads.abandoned())


def _job_of(work: Work) -> int | None:
    try:
        return job_messages.read(work.payload).job_id
    except ValueError:  # a message that nobody can read, which its handler says
        return None
