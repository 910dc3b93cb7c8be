"""Jobs that are ended from outside: out of time, silent for too long; and the last lines of every ended job's log."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from strongroom.domain.dates import whole_second
from strongroom.domain.job import Job
from strongroom.domain.job_log import closing_lines
from strongroom.store import job_ends as rows
from strongroom.store import job_tasks
from strongroom.store.database import Connection
from strongroom.store.job_tasks import LogEntry
from strongroom.vault import Vault

Step = Callable[[Connection, datetime, int], Awaitable[list[Job]]]
"""Ends some jobs, at a time and so many at most, and gives them."""

_AT_ONCE = 100  # jobs in one transaction


async def end_overdue(vault: Vault) -> int:
    """End the jobs whose deadline has passed with TIMEOUT; returns how many. The clock is the Vault's."""
    return await end_all(vault, rows.end_overdue)


async def end_silent(vault: Vault) -> int:
    """End the RUNNING jobs that have been silent for too long with COMPLETED_DUE_TO_INACTIVITY; returns how many."""
    minutes = vault.settings.inactivity_minutes
    return await end_all(vault, lambda connection, now, most: rows.end_silent(connection, minutes, now, most))


async def end_all(vault: Vault, step: Step) -> int:
    """End jobs by a step again and again, each in a transaction with the last lines of their logs; returns how many."""
    ended, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        now = vault.clock.now()
        async with vault.database.transaction() as connection:
            jobs = await step(connection, whole_second(now), _AT_ONCE)
            await sign_off(connection, jobs, now)
        last = len(jobs)
        ended += last
    return ended


async def sign_off(connection: Connection, ended: Sequence[Job], moment: datetime) -> None:
    """Write the last lines of the logs of jobs, in the transaction that ends them."""
    if ended:
        entries = [LogEntry(job.id, moment, closing_lines(job), guarded=False) for job in ended]
        await job_tasks.add_log(connection, entries)
