"""The main path of a job: its items are made, its tasks are worked on, it is closed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from strongroom.domain.job import Job, JobStatus, Task, TaskState
from strongroom.engine import whole
from strongroom.engine.code import Code, explain, sign_off
from strongroom.engine.owners import Owners
from strongroom.engine.patience import patiently
from strongroom.sdk import JobKind
from strongroom.services import job_messages, job_runs, jobs
from strongroom.store.job_progress import Taken
from strongroom.store.passing import is_passing
from strongroom.vault import Vault

# How many tasks are written in one transaction while a job is QUEUEING.
_BATCH = 100

# The code of so many jobs is kept, with input and owner: each task of a job would read the same again.
_CODES = 32


@dataclass(frozen=True)
class Execution:
    """Runs jobs of the kinds given, in a Vault; ``slots`` messages run at a time in this process."""

    vault: Vault
    kinds: dict[str, JobKind[Any]]
    slots: int
    codes: dict[int, asyncio.Task[Code]] = field(default_factory=dict)
    owners: Owners = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "owners", Owners(self.vault))

    async def run(self, payload: bytes) -> None:
        """Begin a job: make its tasks, or do the whole of it if it has only one."""
        taken = await job_runs.take(self.vault, job_messages.read(payload).job_id)
        if taken is None:
            return
        if taken.job.status is JobStatus.QUEUEING:
            await self._queue(taken)
        else:
            await whole.run(self.owners, self.kinds, taken)

    async def task(self, payload: bytes) -> None:
        """Work on one task, then write all that it made in one transaction."""
        message = job_messages.read(payload)
        task = await job_runs.claim_task(self.vault, message.job_id, message.task)
        if task is None:
            return
        try:
            await patiently(task.job_id, lambda: self._work_on(task))
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if is_passing(error):
                raise
            await explain(self.vault, task.job_id, task, error)
            await self._fail(task, error)

    async def complete(self, payload: bytes) -> None:
        """Close a job whose tasks have all ended."""
        job = await job_runs.retrieve(self.vault, job_messages.read(payload).job_id)
        if job is None or job.status.is_terminal or job.open_tasks:
            return
        status = JobStatus.ERRORS_ENCOUNTERED if job.failed_tasks else JobStatus.SUCCESS
        try:
            code = await self._code(job.id)
            links = [msgspec.to_builtins(link) for link in code.kind.links()]
            await job_runs.complete(code.vault, job, status, links, partial(_close, code))
        except Exception as error:
            if is_passing(error):
                raise
            await explain(self.vault, job.id, None, error)
            await job_runs.complete(self.vault, job, JobStatus.ERRORS_ENCOUNTERED, [], sign_off)

    async def _work_on(self, task: Task) -> None:
        code = await self._code(task.job_id)
        ctx = await code.process(task)
        await job_runs.finish_task(code.vault, task, ctx.state, ctx.output, ctx.applies)

    async def _queue(self, taken: Taken) -> None:
        """Make the items of a job and cut them into tasks."""
        queueing = job_runs.Queueing(taken.job, taken.attempt, window=2 * self.slots)
        try:
            if taken.attempt > 1:
                await job_runs.forget_earlier_try(self.vault, queueing)
            code = await Code.of(self.owners, self.kinds, taken.job, taken.input)
            await self._write_tasks(queueing, code)
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if is_passing(error):
                raise
            await explain(self.vault, taken.job.id, None, error)
            await job_runs.fail_to_run(self.vault, queueing)

    async def _write_tasks(self, queueing: job_runs.Queueing, code: Code) -> None:
        first, batch = 1, list[list[dict[str, Any]]]()
        async for task in _chunks(code.items(), code.kind.chunk_size or 1):
            if len(batch) == _BATCH:
                await job_runs.add_tasks(self.vault, queueing, first, batch)
                first, batch = first + len(batch), []
            batch.append(task)
        await job_runs.end_queueing(self.vault, queueing, first, batch)

    async def _code(self, job_id: int) -> Code:
        """Find the code of a job whose tasks run; those that begin at the same moment share one look."""
        loading = self.codes.get(job_id)
        if loading is None:
            if len(self.codes) >= _CODES:
                del self.codes[next(iter(self.codes))]
            loading = self.codes[job_id] = asyncio.create_task(self._load(job_id))
        try:
            return await asyncio.shield(loading)
        except Exception:
            self.codes.pop(job_id, None)
            raise

    async def _load(self, job_id: int) -> Code:
        job, given = await job_runs.retrieve_with_input(self.vault, job_id)
        return await Code.of(self.owners, self.kinds, job, given)

    async def _fail(self, task: Task, error: Exception) -> None:
        output = {"error": str(error)}
        try:
            await job_runs.finish_task(self.vault, task, TaskState.ERRORS_ENCOUNTERED, output, [])
        except job_runs.AbandonedError:
            return


async def _close(code: Code, vault: Vault, job: Job) -> None:
    async def tasks() -> AsyncIterator[Task]:
        for task in await jobs.task_outputs(vault, job):
            yield task

    await code.close(vault, job, tasks())
    await sign_off(vault, job)


async def _chunks(items: AsyncIterator[dict[str, Any]], size: int) -> AsyncIterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    async for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
