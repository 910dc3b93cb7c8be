"""How often a task of a custom job is begun: again if its code asks for that, and never if the job does not bear it."""

import asyncio
from contextlib import nullcontext

from strongroom.domain.job import Task
from strongroom.engine.code import MAX_ATTEMPTS, Code, GivenUpError
from strongroom.engine.patience import patiently
from strongroom.sdk import ProcessContext
from strongroom.services import job_runs
from strongroom.store.passing import is_passing
from strongroom.store.queue import HandBackError

_LONGEST = 60.0  # seconds


async def work_on(code: Code, task: Task, writers: asyncio.Semaphore) -> None:
    """Work on a task and write what it made, or give it back to be tried again (``HandBackError``)."""
    if code.job.idempotent:
        await patiently(task.job_id, lambda: _work_on(code, task, writers))
        return
    if task.attempt > 1:
        raise GivenUpError(
            f"{task.id} was begun and never ended. It is not begun again, since its job does not say "
            "@JobInfo(idempotent=True)."
        )
    ctx = await code.process(task)
    await patiently(task.job_id, lambda: _finish(code, ctx, writers))


def goes_back(error: Exception) -> bool:
    """Whether an error gives the message back, and is not what the job's code has met."""
    return isinstance(error, HandBackError) or is_passing(error)


async def _work_on(code: Code, task: Task, writers: asyncio.Semaphore) -> None:
    await _finish(code, await code.process(task), writers)


async def _finish(code: Code, ctx: ProcessContext[object], writers: asyncio.Semaphore) -> None:
    task = ctx.task
    if not ctx.retry:
        # Tasks that write only their own rows do so together, and need no turn.
        async with writers if ctx.applies else nullcontext():
            await job_runs.finish_task(code.vault, task, ctx.state, ctx.output, ctx.applies)
        return
    if task.attempt >= MAX_ATTEMPTS:
        raise GivenUpError(f"{task.id} has asked to be tried again {MAX_ATTEMPTS} times; it is given up.")
    delay = min(2.0 ** (task.attempt - 1), _LONGEST)
    await job_runs.write_log(code.vault, task.job_id, f"{task.id} is tried again in {delay:.0f} s.", task)
    await job_runs.put_back(code.vault, task)
    raise HandBackError(delay)
