"""The steps of a run as the engine takes them: guarded writes, each in one transaction, harmless when repeated."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.domain.dates import whole_second
from strongroom.domain.job import Job, JobStatus, Task, TaskState
from strongroom.sdk.contexts import Apply
from strongroom.services import job_messages
from strongroom.store import job_tasks
from strongroom.store import jobs as rows
from strongroom.vault import Vault

Closing = Callable[[Vault, Job], Awaitable[None]]


class AbandonedError(Exception):
    """Somebody else has taken this over, or the job was ended: whatever was done is rolled back."""


@dataclass(frozen=True)
class Queueing:
    """One try at making a job's tasks; ``window`` tasks at most have a message at a time."""

    job: Job
    attempt: int
    window: int


async def begin_queueing(vault: Vault, job_id: int, window: int) -> Queueing | None:
    """Take a QUEUEING job; None if it is not QUEUEING any more."""
    async with vault.database.transaction() as connection:
        taken = await rows.begin_queueing(connection, job_id)
        if taken is None:
            return None
        await job_tasks.remove_all(connection, job_id)
    return Queueing(*taken, window)


async def add_tasks(vault: Vault, run: Queueing, first_number: int, tasks: Sequence[list[dict[str, Any]]]) -> None:
    """Write some tasks of a job that is still QUEUEING under this try."""
    async with vault.database.transaction() as connection:
        if not await rows.hold_queueing(connection, run.job.id, run.attempt):
            raise AbandonedError
        await job_tasks.add(connection, run.job.id, first_number, tasks)


async def end_queueing(vault: Vault, run: Queueing, total: int) -> None:
    """All tasks are written: the job is QUEUED, and the first messages go out."""
    queued = min(total, run.window)
    async with vault.database.transaction() as connection:
        if not await rows.hold_queueing(connection, run.job.id, run.attempt):
            raise AbandonedError
        values = {"total_tasks": total, "open_tasks": total, "queued_tasks": queued}
        await rows.move(connection, run.job.id, JobStatus.QUEUED, values)
        if total:
            await job_messages.enqueue_tasks(connection, run.job.id, range(1, queued + 1))
        else:
            await job_messages.enqueue_complete(connection, run.job.id)


async def fail_to_run(vault: Vault, run: Queueing) -> bool:
    """End a job that could not be started; False if it has moved on meanwhile, or a newer try is at it."""
    now = whole_second(vault.clock.now())
    async with vault.database.transaction() as connection:
        if not await rows.hold_queueing(connection, run.job.id, run.attempt):
            return False
        values = {"run_end_date": now, "modified_date": now}
        return await rows.move(connection, run.job.id, JobStatus.FAILED_TO_RUN, values) is not None


async def claim_task(vault: Vault, job_id: int, number: int) -> tuple[Job, Task] | None:
    """Take a task; the first one of a job makes it RUNNING. None if there is nothing to do."""
    now = whole_second(vault.clock.now())
    async with vault.database.transaction() as connection:
        await rows.move(connection, job_id, JobStatus.RUNNING, {"run_start_date": now, "modified_date": now})
        task = await job_tasks.claim(connection, job_id, number)
        job = await rows.retrieve(connection, job_id)
    return None if task is None or job is None else (job, task)


async def finish_task(vault: Vault, task: Task, state: TaskState, output: dict[str, Any], applies: list[Apply]) -> None:
    """End a task with all that it made, count it, and send for the next one or for the completion.

    The row of the job comes last, so that the tasks of one job wait for each other as briefly as can be.
    """
    async with vault.database.transaction() as connection:
        if not await job_tasks.finish(connection, task, state, output):
            raise AbandonedError
        for apply in applies:
            await apply(vault.bound(connection))
        left = await rows.end_task(connection, task.job_id, failed=state is TaskState.ERRORS_ENCOUNTERED)
        if left is None:
            raise AbandonedError
        if left.open_tasks == 0:
            await job_messages.enqueue_complete(connection, task.job_id)
        elif left.next_task is not None:
            await job_messages.enqueue_tasks(connection, task.job_id, [left.next_task])


async def complete(vault: Vault, job: Job, status: JobStatus, links: list[dict[str, str]], closing: Closing) -> bool:
    """End a job whose tasks have all ended, with what its closing writes; False if that was done already."""
    now = whole_second(vault.clock.now())
    async with vault.database.transaction() as connection:
        # A job without tasks has not been RUNNING yet.
        await rows.move(connection, job.id, JobStatus.RUNNING, {"run_start_date": now}, only=rows.ALL_TASKS_ENDED)
        values = {"run_end_date": now, "modified_date": now, "links": links}
        ended = await rows.move(connection, job.id, status, values, only=rows.ALL_TASKS_ENDED)
        if ended is None:
            return False
        await closing(vault.bound(connection), ended)
    return True


async def retrieve(vault: Vault, job_id: int) -> Job | None:
    """One job, whoever it belongs to; None if it is gone."""
    async with vault.database.reading() as connection:
        return await rows.retrieve(connection, job_id)


async def retrieve_input(vault: Vault, job_id: int) -> dict[str, Any]:
    """What the client of a job asked for."""
    async with vault.database.reading() as connection:
        return await rows.retrieve_input(connection, job_id)


async def write_log(vault: Vault, job_id: int, text: str, task: Task | None = None) -> None:
    """Add to a job's log, by a connection of its own: a rolled back task keeps its lines."""
    now = vault.clock.now()
    lines = [(now, line) for line in text.splitlines() or [""]]
    async with vault.database.transaction() as connection:
        await job_tasks.add_log(connection, job_id, lines, task)


async def resend_lost(vault: Vault, untouched_seconds: float) -> int:
    """Write the messages of active jobs anew that nothing has touched for a while; none is written twice."""
    async with vault.database.transaction() as connection:
        found = await rows.active_untouched(connection, untouched_seconds, most=1000)
        for row in found:
            if row.status == JobStatus.QUEUEING:
                await job_messages.enqueue_run(connection, row.id)
            elif row.open_tasks == 0:
                await job_messages.enqueue_complete(connection, row.id)
            else:
                numbers = await job_tasks.open_numbers(connection, row.id, row.queued_tasks)
                await job_messages.enqueue_tasks(connection, row.id, numbers)
        await rows.touch(connection, [row.id for row in found])
    return len(found)
