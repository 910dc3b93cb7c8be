"""The steps of a run as the engine takes them: guarded writes, harmless when repeated.

What many jobs do at the same moment is done together, in one transaction: take, claim, finish, end, log.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.domain.dates import whole_second
from strongroom.domain.job import Job, JobStatus, Task, TaskState
from strongroom.sdk.contexts import Apply
from strongroom.services import job_messages
from strongroom.store import job_progress, job_tasks
from strongroom.store import jobs as rows
from strongroom.store.database import Connection
from strongroom.store.job_progress import Ending, Taken
from strongroom.store.job_tasks import Finished, LogEntry
from strongroom.vault import Vault

Closing = Callable[[Vault, Job], Awaitable[None]]


class AbandonedError(Exception):
    """Somebody else has taken this over, or the job was ended: whatever was done is rolled back."""


async def take(vault: Vault, job_id: int) -> Taken | None:
    """Take a job that is QUEUEING, or one that runs as a whole and is RUNNING by this; None if it needs no worker."""
    return await vault.database.write_at_once(job_progress.take, (job_id, whole_second(vault.clock.now())))


@dataclass(frozen=True)
class Queueing:
    """One try at making a job's tasks; ``window`` tasks at most have a message at a time."""

    job: Job
    attempt: int
    window: int


async def forget_earlier_try(vault: Vault, run: Queueing) -> None:
    """Delete what an earlier try has written."""
    async with vault.database.transaction() as connection:
        await _hold(connection, run)
        await job_tasks.remove_all(connection, run.job.id)


async def add_tasks(vault: Vault, run: Queueing, first_number: int, tasks: Sequence[list[dict[str, Any]]]) -> None:
    """Write some tasks of a job that is still QUEUEING under this try."""
    async with vault.database.transaction() as connection:
        await _hold(connection, run)
        await job_tasks.add(connection, run.job.id, first_number, tasks)


async def end_queueing(vault: Vault, run: Queueing, first_number: int, tasks: Sequence[list[dict[str, Any]]]) -> None:
    """Write the last tasks: with that the job is QUEUED, and the first messages go out."""
    total = first_number - 1 + len(tasks)
    queued = min(total, run.window)
    async with vault.database.transaction() as connection:
        await _hold(connection, run)
        if tasks:
            await job_tasks.add(connection, run.job.id, first_number, tasks)
        values = {"total_tasks": total, "open_tasks": total, "queued_tasks": queued}
        await rows.move(connection, run.job.id, JobStatus.QUEUED, values)
        if total:
            await job_messages.enqueue_tasks(connection, [(run.job.id, number) for number in range(1, queued + 1)])
        else:
            await job_messages.enqueue_complete(connection, [run.job.id])


async def fail_to_run(vault: Vault, run: Queueing) -> bool:
    """End a job that could not be started; False if it has moved on meanwhile, or a newer try is at it."""
    now = whole_second(vault.clock.now())
    async with vault.database.transaction() as connection:
        if not await job_progress.hold_queueing(connection, run.job.id, run.attempt):
            return False
        values = {"run_end_date": now, "modified_date": now}
        return await rows.move(connection, run.job.id, JobStatus.FAILED_TO_RUN, values) is not None


async def claim_task(vault: Vault, job_id: int, number: int) -> Task | None:
    """Take a task; the first one of a job makes it RUNNING. None if there is nothing to do."""
    asked = (job_id, number, whole_second(vault.clock.now()))
    return await vault.database.write_at_once(job_tasks.claim, asked)


async def finish_task(vault: Vault, task: Task, state: TaskState, output: dict[str, Any], applies: list[Apply]) -> None:
    """End a task with all that it made, count it, and send for the next one or for the completion."""
    finished = Finished(task, state, output)
    if not applies:
        await vault.database.write_together(_finish_tasks, finished)
        return
    async with vault.database.transaction() as connection:
        # First, since it locks: of two tries that end at once, the older one does nothing.
        await _end_tasks(connection, [finished])
        for apply in applies:
            await apply(vault.bound(connection))
        await _count_ended(connection, [finished])


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


async def end_whole(vault: Vault, ending: Ending, deeds: Sequence[Apply]) -> None:
    """End a job that ran as a whole; what its ``deeds`` write is written with it or not at all."""
    if not deeds:
        if not await vault.database.write_at_once(job_progress.end_whole, ending):
            raise AbandonedError
        return
    async with vault.database.transaction() as connection:
        # First, since it locks: of two tries that end at once, the older one does nothing.
        if not (await job_progress.end_whole(connection, [ending]))[0]:
            raise AbandonedError
        for deed in deeds:
            await deed(vault.bound(connection))


async def retrieve(vault: Vault, job_id: int) -> Job | None:
    """One job, whoever it belongs to; None if it is gone."""
    return await vault.database.read_together(rows.retrieve_many, job_id)


async def retrieve_with_input(vault: Vault, job_id: int) -> tuple[Job, dict[str, Any]]:
    """One job that there is, and what its client asked for."""
    async with vault.database.reading() as connection:
        (job,) = await rows.retrieve_many(connection, [job_id])
        assert job is not None
        return job, await rows.retrieve_input(connection, job_id)


async def write_log(vault: Vault, job_id: int, text: str, task: Task | None = None) -> None:
    """Add to a job's log, by a transaction of its own: a rolled back task keeps its lines."""
    number, attempt = (None, 0) if task is None else (task.number, task.attempt)
    entry = LogEntry(job_id, vault.clock.now(), text, number, attempt)
    await vault.database.write_at_once(job_tasks.add_log, entry)


async def resend_lost(vault: Vault, untouched_seconds: float) -> int:
    """Write the messages of active jobs anew that nothing has touched for a while; none is written twice."""
    async with vault.database.transaction() as connection:
        found = await job_progress.active_untouched(connection, untouched_seconds, most=1000)
        for row in found:
            if row.status == JobStatus.QUEUEING or row.whole:
                await job_messages.enqueue_run(connection, [row.id])
            elif row.open_tasks == 0:
                await job_messages.enqueue_complete(connection, [row.id])
            else:
                numbers = await job_tasks.open_numbers(connection, row.id, row.queued_tasks)
                await job_messages.enqueue_tasks(connection, [(row.id, number) for number in numbers])
        await job_progress.note_looked(connection, [row.id for row in found])
    return len(found)


async def _hold(connection: Connection, run: Queueing) -> None:
    if not await job_progress.hold_queueing(connection, run.job.id, run.attempt):
        raise AbandonedError


async def _finish_tasks(connection: Connection, finished: Sequence[Finished]) -> list[None]:
    await _end_tasks(connection, finished)
    await _count_ended(connection, finished)
    return [None] * len(finished)


async def _end_tasks(connection: Connection, finished: Sequence[Finished]) -> None:
    if not await job_tasks.finish(connection, finished):
        raise AbandonedError


async def _count_ended(connection: Connection, finished: Sequence[Finished]) -> None:
    """Count tasks as ended. It comes last, so that the tasks of one job wait for its row as briefly as can be."""
    ended = Counter(each.task.job_id for each in finished)
    failed = Counter(each.task.job_id for each in finished if each.state is TaskState.ERRORS_ENCOUNTERED)
    counts = {job_id: (ended[job_id], failed[job_id]) for job_id in sorted(ended)}
    left = await job_progress.count_ended(connection, counts)
    if len(left) < len(ended):
        raise AbandonedError
    await job_messages.enqueue_complete(connection, [job_id for job_id, rest in left.items() if rest.open_tasks == 0])
    following = [(job_id, number) for job_id, rest in left.items() for number in rest.next_tasks]
    await job_messages.enqueue_tasks(connection, following)
