"""Jobs as a user sees them: started, retrieved, listed, cancelled; their tasks and their log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from strongroom.domain.dates import whole_second
from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job import (
    ONE_TIME_LIMIT,
    Job,
    JobFilter,
    JobStatus,
    JobTraits,
    LogLine,
    Task,
    TaskState,
)
from strongroom.domain.page import Page, Window
from strongroom.sdk.job import JobKind
from strongroom.services import job_ends, job_messages, scheduled_jobs, webhook_targets
from strongroom.store import job_tasks, single_instances, webhooks
from strongroom.store import jobs as rows
from strongroom.store.database import Connection
from strongroom.store.log_order import Mark, mark
from strongroom.vault import Vault

# Outputs of tasks that are read at a time: each may be large.
_OUTPUTS = 20

_BRIEFLY = 0.02  # seconds


async def start(vault: Vault, kind: JobKind[Any], given: Any, method: str = "POST") -> Job:
    """Check what is asked for, then begin the job."""
    await kind.check(vault, given)
    return await begin(vault, kind.traits(), msgspec.to_builtins(given), method)


async def begin(vault: Vault, traits: JobTraits, given: dict[str, Any], method: str | None) -> Job:
    """Write the job and its first message in one transaction: what is answered is never lost."""
    now = whole_second(vault.clock.now())
    deadline = now + (traits.limit or ONE_TIME_LIMIT)
    if vault.webhook is not None:
        await webhook_targets.check(vault.settings, vault.webhook, vault.names.addresses)
    new = rows.NewJob(traits, traits.first_status, given, vault.user.id, now, deadline, method, webhook=vault.webhook)
    if not traits.single_instance_states:
        return await vault.database.write_together(_add, new)
    async with vault.database.transaction() as connection:
        other = await single_instances.other(connection, traits)
        if other is not None:
            raise OperationNotAllowed(
                f"{traits.title} cannot be started: job [{other.id}] of the same kind is {other.status}."
            )
        return (await _add(connection, [new]))[0]


async def retrieve(vault: Vault, job_id: int) -> Job:
    """One job; one's own always, others' for admins."""
    job = vault.ended_jobs.find(job_id)
    if job is None:
        job = await vault.database.read_together(rows.retrieve_many, job_id)
        if job is None:
            raise InvalidData(f"There is no job [{job_id}].")
        if vault.database.joined is None:  # what an open transaction sees may be rolled back
            vault.ended_jobs.keep(job)
    if job.created_by != vault.user.id and not vault.user.is_admin:
        raise InsufficientAccess(f"User [{vault.user.id}] may not see job [{job_id}] of another user.")
    return job


async def retrieve_finished(vault: Vault, job_id: int, kind: str) -> Job:
    """One job of a kind, whose results may be read: it has ended."""
    job = await retrieve(vault, job_id)
    if job.kind != kind:
        raise InvalidData(f"Job [{job_id}] is not a job of this kind: it is [{job.title}].")
    if not job.status.is_terminal:
        raise OperationNotAllowed(f"Job [{job_id}] is still active: its status is {job.status}.")
    return job


async def tasks(vault: Vault, job_id: int, window: Window) -> Page[Task]:
    """The tasks of an SDK job; other jobs show none, as in a real Vault."""
    job = await retrieve(vault, job_id)
    if not job.sdk:
        return Page([], 0, window)
    async with vault.database.reading() as connection:
        found, total = await job_tasks.page(connection, job_id, window)
    return Page(found, total, window)


async def task_counts(vault: Vault, job_id: int) -> dict[TaskState, int]:
    """How many tasks of a job are in each state, whatever its kind."""
    await retrieve(vault, job_id)
    return await vault.database.read_together(job_tasks.counts_of, job_id)


async def progress(vault: Vault, job: Job) -> dict[TaskState, int]:
    """How many tasks of a job are in each state that at least one is in; an ended job's own row says it."""
    if job.status.is_terminal and job.open_tasks == 0:
        ended = {TaskState.SUCCESS: job.total_tasks - job.failed_tasks, TaskState.ERRORS_ENCOUNTERED: job.failed_tasks}
        return {state: size for state, size in ended.items() if size}
    counts = await vault.database.read_together(job_tasks.counts_of, job.id)
    return {state: counts[state] for state in TaskState if counts.get(state)}


async def task_outputs(vault: Vault, job: Job) -> AsyncIterator[Task]:
    """The ended tasks of a job with their output, in order, read a few at a time."""
    ended, last = (TaskState.SUCCESS, TaskState.ERRORS_ENCOUNTERED), 0
    while True:
        async with vault.database.reading() as connection:
            found = await job_tasks.outputs(connection, job.id, ended, last, _OUTPUTS)
        for task in found:
            yield task
        if len(found) < _OUTPUTS:
            return
        last = found[-1].number


async def histories(vault: Vault, wanted: JobFilter, window: Window) -> Page[Job]:
    """Ended jobs, newest first; ``wanted`` compares the end of the run."""
    _require_all_jobs(vault)
    async with vault.database.reading() as connection:
        found, total = await rows.histories(connection, wanted, window)
    return Page(found, total, window)


async def monitors(vault: Vault, wanted: JobFilter, window: Window) -> Page[Job]:
    """Active jobs, next start first; ``wanted`` compares the creation."""
    _require_all_jobs(vault)
    async with vault.database.reading() as connection:
        found, total = await rows.monitors(connection, wanted, window)
    return Page(found, total, window)


async def cancel(vault: Vault, job_id: int) -> Job:
    """Cancel an active job at once; what still works on it can write nothing more."""
    job = await retrieve(vault, job_id)
    if not job.cancellable and job.status is not JobStatus.SCHEDULED and not job.status.is_terminal:
        raise OperationNotAllowed(f"Job [{job_id}] cannot be cancelled: its code does not say admin_cancellable.")
    if job.status is JobStatus.SCHEDULED and job.definition is not None:
        # It may have begun at this moment: then it is a job like any other.
        return await scheduled_jobs.cancel(vault, job) or await cancel(vault, job_id)
    moment = vault.clock.now()
    now = whole_second(moment)
    async with vault.database.transaction() as connection:
        values = {"run_end_date": now, "modified_by": vault.user.id, "modified_date": now}
        cancelled = await rows.move(connection, job_id, JobStatus.CANCELLED, values)
        if cancelled is not None:
            await job_ends.sign_off(connection, [cancelled], moment)
    if cancelled is None:
        job = await retrieve(vault, job_id)
        raise OperationNotAllowed(f"Job [{job_id}] cannot be cancelled: its status is {job.status}.")
    return cancelled


async def log(vault: Vault, job_id: int, after: int = 0, limit: int = 10_000) -> list[LogLine]:
    """Lines of a job's log whose id is above ``after``, in order.

    If there are any, it waits until no line can turn up any more below the last one: who asks for what comes after that
    would never see it.
    """
    await retrieve(vault, job_id)
    first: Mark | None = None
    while True:
        async with vault.database.reading() as connection:
            now = await mark(connection)
            first = first or now
            lines = await job_tasks.read_log(connection, job_id, after, first.newest, limit)
        if not lines or first.is_whole(now):
            return lines
        await asyncio.sleep(_BRIEFLY)


def _require_all_jobs(vault: Vault) -> None:
    if not vault.user.is_admin:
        raise InsufficientAccess(
            f"User [{vault.user.id}] may not list jobs: it needs the permission Admin: Jobs: Read."
        )


async def _add(connection: Connection, new: Sequence[rows.NewJob]) -> list[Job]:
    """Write jobs that are started at the same moment, and their messages."""
    jobs = await rows.add(connection, new)
    # After the jobs: their first status is in the reply, and told to nobody else who asked with the call.
    for job, each in zip(jobs, new, strict=True):
        if each.webhook is not None:
            await webhooks.add(connection, each.webhook, job.id, each.user, each.date)
    await job_messages.enqueue_run(connection, [job.id for job in jobs])
    return jobs
