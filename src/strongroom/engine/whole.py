"""A job that runs as a whole: one task, one message, and one transaction for all that it writes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from strongroom.domain.dates import whole_second
from strongroom.domain.job import Link, Task, TaskState
from strongroom.domain.job_log import closing_lines
from strongroom.engine.code import Code, explain, refuse_endless
from strongroom.engine.owners import Owners
from strongroom.engine.patience import patiently
from strongroom.sdk import JobKind, ProcessContext
from strongroom.sdk.contexts import Apply
from strongroom.services import job_runs
from strongroom.store.job_progress import Ending, Taken
from strongroom.store.passing import is_passing
from strongroom.vault import Vault


async def run(owners: Owners, kinds: dict[str, JobKind[Any]], taken: Taken, handed_back: int) -> None:
    """Work on the job, then end it with all that it made."""
    task = Task(taken.job.id, 1, TaskState.RUNNING, taken.attempt, [])
    try:
        refuse_endless(f"Job [{taken.job.id}]", taken.attempt, handed_back)
        await patiently(taken.job.id, lambda: _work_on(owners, kinds, taken, task))
    except job_runs.AbandonedError:
        return
    except Exception as error:
        if is_passing(error):
            raise
        await explain(owners.vault, taken.job.id, task, error)
        await _give_up(owners.vault, taken, error)


async def _work_on(owners: Owners, kinds: dict[str, JobKind[Any]], taken: Taken, task: Task) -> None:
    code = await Code.of(owners, kinds, taken.job, taken.input)
    task = replace(task, items=[item async for item in code.items()])
    await _end(code, taken, await code.process(task))


async def _end(code: Code, taken: Taken, ctx: ProcessContext[Any]) -> None:
    ending = _ending(code.vault, taken, ctx.state, ctx.output, code.kind.links())
    ended = replace(taken.job, status=ending.status, run_end_date=ending.date, total_tasks=1)
    task = replace(ctx.task, state=ctx.state, output=ctx.output)
    deeds: list[Apply] = list(ctx.applies)
    if code.kind.completes():
        deeds.append(lambda vault: code.close(vault, ended, lambda: _only(task)))
    await job_runs.end_whole(code.vault, ending, deeds)


async def _give_up(vault: Vault, taken: Taken, error: Exception) -> None:
    ending = _ending(vault, taken, TaskState.ERRORS_ENCOUNTERED, {"error": str(error)}, ())
    try:
        await job_runs.end_whole(vault, ending, [])
    except job_runs.AbandonedError:
        return


def _ending(vault: Vault, taken: Taken, state: TaskState, output: dict[str, Any], links: tuple[Link, ...]) -> Ending:
    now = vault.clock.now()
    ending = Ending(taken.job.id, taken.attempt, state, whole_second(now), links, output, now, "")
    ended = replace(taken.job, status=ending.status, run_end_date=ending.date)
    return replace(ending, log=closing_lines(ended))


async def _only(task: Task) -> AsyncIterator[Task]:
    yield task
