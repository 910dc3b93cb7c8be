"""The main path of a job: its items are made, its tasks are worked on, it is closed."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog

from strongroom.domain.errors import VaultError
from strongroom.domain.job import Job, JobStatus, Task, TaskState
from strongroom.engine.log import closing_lines
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext
from strongroom.services import job_messages, job_runs, jobs, users
from strongroom.store.passing import is_full, is_passing
from strongroom.vault import Vault

MAX_ATTEMPTS = 10
"""A task that has taken its worker down this often is ended with errors."""

FULL_PAUSE = 2.0
"""How many seconds a task that has found a disk full waits before it is tried again."""

# How many tasks are written in one transaction while a job is QUEUEING.
_BATCH = 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Execution:
    """Runs jobs of the kinds given, in a Vault; ``slots`` messages run at a time in this process."""

    vault: Vault
    kinds: dict[str, JobKind[Any]]
    slots: int

    async def run(self, payload: bytes) -> None:
        """Make the items of a QUEUEING job and cut them into tasks."""
        message = job_messages.read(payload)
        queueing = await job_runs.begin_queueing(self.vault, message.job_id, window=2 * self.slots)
        if queueing is None:
            return
        try:
            total = await self._write_tasks(queueing)
            await job_runs.end_queueing(self.vault, queueing, total)
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if is_passing(error):
                raise
            await self._explain(queueing.job, None, error)
            await job_runs.fail_to_run(self.vault, queueing)

    async def task(self, payload: bytes) -> None:
        """Work on one task, then write all that it made in one transaction."""
        message = job_messages.read(payload)
        claimed = await job_runs.claim_task(self.vault, message.job_id, message.task)
        if claimed is None:
            return
        job, task = claimed
        try:
            await self._work_on(job, task)
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if is_passing(error):
                raise
            await self._explain(job, task, error)
            await self._fail(task, error)

    async def complete(self, payload: bytes) -> None:
        """Close a job whose tasks have all ended."""
        job = await job_runs.retrieve(self.vault, job_messages.read(payload).job_id)
        if job is None or job.status.is_terminal or job.open_tasks:
            return
        status = JobStatus.ERRORS_ENCOUNTERED if job.failed_tasks else JobStatus.SUCCESS
        try:
            kind = self._kind(job)
            owner = await self._as_owner(job)
            links = [msgspec.to_builtins(link) for link in kind.links()]
            await job_runs.complete(owner, job, status, links, partial(self._close, kind))
        except Exception as error:
            if is_passing(error):
                raise
            await self._explain(job, None, error)
            await job_runs.complete(self.vault, job, JobStatus.ERRORS_ENCOUNTERED, [], _sign_off)

    async def _write_tasks(self, queueing: job_runs.Queueing) -> int:
        job = queueing.job
        kind = self._kind(job)
        log = partial(job_runs.write_log, self.vault, job.id)
        ctx = InitContext(await self._as_owner(job), job, await _input(self.vault, kind, job), log)
        total = 0
        async for batch in _grouped(_grouped(kind.init(ctx), kind.chunk_size), _BATCH):
            await job_runs.add_tasks(self.vault, queueing, total + 1, batch)
            total += len(batch)
        return total

    async def _work_on(self, job: Job, task: Task) -> None:
        """Do a task and write what it made. A full disk is waited for: a task that is tried too often is given up."""
        while True:
            try:
                ctx = await self._process(job, task)
                await job_runs.finish_task(ctx.vault, task, ctx.state, ctx.output, ctx.applies)
            except Exception as error:
                if not is_full(error):
                    raise
                _log.warning("disk_full", job_id=job.id, task=task.number, again_in=FULL_PAUSE)
                await asyncio.sleep(FULL_PAUSE)
            else:
                return

    async def _process(self, job: Job, task: Task) -> ProcessContext[Any]:
        if task.attempt > MAX_ATTEMPTS:
            raise GivenUpError(f"{task.id} was begun {MAX_ATTEMPTS} times and never ended; it is given up.")
        kind = self._kind(job)
        log = partial(job_runs.write_log, self.vault, job.id, task=task)
        ctx = ProcessContext(await self._as_owner(job), job, await _input(self.vault, kind, job), task, log)
        await kind.process(ctx)
        return ctx

    async def _close(self, kind: JobKind[Any], vault: Vault, job: Job) -> None:
        async def tasks() -> AsyncIterator[Task]:
            for task in await jobs.task_outputs(vault, job):
                yield task

        log = partial(job_runs.write_log, vault, job.id)
        ctx = CompletionContext(vault, job, await _input(vault, kind, job), log, tasks)
        if job.status is JobStatus.SUCCESS:
            await kind.complete_with_success(ctx)
        else:
            await kind.complete_with_error(ctx)
        await _sign_off(vault, job)

    async def _fail(self, task: Task, error: Exception) -> None:
        output = {"error": str(error)}
        try:
            await job_runs.finish_task(self.vault, task, TaskState.ERRORS_ENCOUNTERED, output, [])
        except job_runs.AbandonedError:
            return

    async def _explain(self, job: Job, task: Task | None, error: Exception) -> None:
        if isinstance(error, VaultError | GivenUpError):
            text = str(error)
        else:
            _log.error("job_code_failed", job_id=job.id, kind=job.kind, exc_info=error)
            text = "".join(traceback.format_exception(error))
        await job_runs.write_log(self.vault, job.id, text, task)

    def _kind(self, job: Job) -> JobKind[Any]:
        kind = self.kinds.get(job.kind)
        if kind is None:
            raise GivenUpError(f"No code is loaded for jobs of kind {job.kind!r}.")
        return kind

    async def _as_owner(self, job: Job) -> Vault:
        return self.vault.as_user(await users.retrieve(self.vault, job.created_by))


class GivenUpError(Exception):
    """A job cannot go on, and why."""


async def _input(vault: Vault, kind: JobKind[Any], job: Job) -> Any:
    return msgspec.convert(await job_runs.retrieve_input(vault, job.id), kind.input)


async def _sign_off(vault: Vault, job: Job) -> None:
    await job_runs.write_log(vault, job.id, closing_lines(job))


async def _grouped(things: AsyncIterator[Any], size: int) -> AsyncIterator[list[Any]]:
    group: list[Any] = []
    async for thing in things:
        group.append(thing)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
