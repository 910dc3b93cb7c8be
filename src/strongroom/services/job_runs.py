"""The steps of a run as the engine takes them: guarded writes, harmless when repeated.

What many jobs do at the same moment is done together, in one transaction: take, claim, finish, end, log.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from strongroom.domain.dates import whole_second
from strongroom.domain.job import Job, JobStatus, Task, TaskState
from strongroom.sdk.contexts import Apply
from strongroom.services import job_ends, job_messages
from strongroom.store import job_progress, job_tasks, patience
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


async def add_tasks(vault: Vault, run: Queueing, first_number: int, tasks: Sequence[str], *, resumed: bool) -> bool:
    """Write some tasks of a job that is still QUEUEING under this try; each is the list of its items, as JSON.

    ``resumed``: an earlier try may have written the same ones, and these stay; where they begin to differ, all that
    follows is deleted and written anew. Gives whether it is so for the next tasks.
    """
    async with vault.database.transaction() as connection:
        await _hold(connection, run)
        return await _add(connection, run.job.id, first_number, tasks, resumed=resumed)


async def end_queueing(vault: Vault, run: Queueing, first_number: int, tasks: Sequence[str], *, resumed: bool) -> None:
    """Write the last tasks: with that the job is QUEUED, and the first messages go out."""
    total = first_number - 1 + len(tasks)
    queued = min(total, run.window)
    async with vault.database.transaction() as connection:
        await _hold(connection, run)
        if await _add(connection, run.job.id, first_number, tasks, resumed=resumed):
            await job_tasks.remove_from(connection, run.job.id, total + 1)
        values = {"total_tasks": total, "open_tasks": total, "queued_tasks": queued}
        await rows.move(connection, run.job.id, JobStatus.QUEUED, values)
        if total:
            await job_messages.enqueue_tasks(connection, [(run.job.id, number) for number in range(1, queued + 1)])
        else:
            await job_messages.enqueue_complete(connection, [run.job.id])


async def fail_to_run(vault: Vault, run: Queueing) -> bool:
    """End a job that could not be started; False if it has moved on meanwhile, or a newer try is at it."""
    now = vault.clock.now()
    async with vault.database.transaction() as connection:
        if not await job_progress.hold_queueing(connection, run.job.id, run.attempt):
            return False
        values = {"run_end_date": whole_second(now), "modified_date": whole_second(now)}
        ended = await rows.move(connection, run.job.id, JobStatus.FAILED_TO_RUN, values)
        if ended is None:
            return False
        await job_tasks.remove_from(connection, run.job.id, 1)
        await job_ends.sign_off(connection, [ended], now)
    return True


async def fail_queued(vault: Vault, job_id: int, reason: str) -> bool:
    """End a job that is QUEUED and cannot run any more; False if it is not, or its queue holds it back."""
    now = vault.clock.now()
    async with vault.database.transaction() as connection:
        values = {"run_end_date": whole_second(now), "modified_date": whole_second(now)}
        only = rows.QUEUED & rows.DELIVERED
        ended = await rows.move(connection, job_id, JobStatus.FAILED_TO_RUN, values, only=only)
        if ended is None:
            return False
        await job_tasks.add_log(connection, [LogEntry(job_id, now, reason, guarded=False)])
        await job_ends.sign_off(connection, [ended], now)
    return True


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


async def put_back(vault: Vault, task: Task) -> None:
    """Have a task wait to be begun again, with nothing kept of this try."""
    async with vault.database.transaction() as connection:
        if not await job_tasks.put_back(connection, task):
            raise AbandonedError


async def begin_completion(vault: Vault, job_id: int) -> Job | None:
    """A job whose tasks have all ended; None if there is nothing to complete, or its queue holds it back.

    One without tasks becomes RUNNING by this.
    """
    job = await retrieve(vault, job_id)
    if job is None or job.status.is_terminal or job.open_tasks:
        return None
    if job.status is JobStatus.RUNNING:
        return job
    begun = rows.ALL_TASKS_ENDED & rows.DELIVERED
    async with vault.database.transaction() as connection:
        values = {"run_start_date": whole_second(vault.clock.now())}
        return await rows.move(connection, job_id, JobStatus.RUNNING, values, only=begun)


async def complete(vault: Vault, ending: Job, closing: Closing | None = None) -> None:
    """End a job whose tasks have all ended, as ``ending`` says, with what its closing writes.

    The closing may take its time, so the job's row is locked only after it. Of two that come to this point, the later
    one raises ``AbandonedError``, and what its closing wrote is rolled back.
    """
    links = [msgspec.to_builtins(link) for link in ending.links]
    values = {"run_end_date": ending.run_end_date, "modified_date": ending.run_end_date, "links": links}
    async with vault.database.transaction() as connection:
        if closing is not None:
            await patience.be_idle_for_long(connection)
            await closing(vault.bound(connection), ending)
            await patience.be_idle_briefly(connection)
        ended = await rows.move(connection, ending.id, ending.status, values, only=rows.ALL_TASKS_ENDED)
        if ended is None:
            raise AbandonedError
        await job_ends.sign_off(connection, [ended], vault.clock.now())


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


async def ended_among(vault: Vault, job_ids: Sequence[int]) -> list[int]:
    """Those of these jobs that have ended, or are gone: nobody wants any more what is done for them."""
    async with vault.database.reading() as connection:
        active = await job_progress.active_among(connection, job_ids)
    return [job_id for job_id in job_ids if job_id not in active]


async def write_log(vault: Vault, job_id: int, text: str, task: Task | None = None) -> None:
    """Add to a job's log, by a transaction of its own: a rolled back task keeps its lines.

    Raises ``AbandonedError`` when the job has ended. What is written in a transaction that is open already is kept or
    lost by the guard of that one.
    """
    number, attempt = (None, 0) if task is None else (task.number, task.attempt)
    guarded = vault.database.joined is None
    entry = LogEntry(job_id, vault.clock.now(), text, number, attempt, guarded)
    if not await vault.database.write_at_once(job_tasks.add_log, entry):
        raise AbandonedError


async def resend_lost(vault: Vault, untouched_seconds: float) -> int:
    """Write the messages of active jobs anew that nothing has touched for a while; none is written twice."""
    async with vault.database.reading() as connection:
        if not await job_progress.active_untouched(connection, untouched_seconds, most=1):
            return 0
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
        if found:
            await job_progress.note_looked(connection, [row.id for row in found])
    return len(found)


async def _hold(connection: Connection, run: Queueing) -> None:
    if not await job_progress.hold_queueing(connection, run.job.id, run.attempt):
        raise AbandonedError


async def _add(connection: Connection, job_id: int, first_number: int, tasks: Sequence[str], *, resumed: bool) -> bool:
    kept = await job_tasks.same(connection, job_id, first_number, tasks) if resumed else 0
    if kept == len(tasks):
        return resumed
    if resumed:
        await job_tasks.remove_from(connection, job_id, first_number + kept)
    await job_tasks.add(connection, job_id, first_number + kept, tasks[kept:])
    return False


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
