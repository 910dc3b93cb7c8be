"""The main path of a job: its items are made, its tasks are worked on, it is closed."""

import asyncio
import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from strongroom.domain.dates import whole_second
from strongroom.domain.job import Job, JobStatus, Task, TaskState
from strongroom.engine import tries, whole
from strongroom.engine.code import Code, GivenUpError, explain, refuse_endless
from strongroom.engine.owners import Owners
from strongroom.engine.queueing import write_tasks
from strongroom.sdk import JobKind
from strongroom.services import job_messages, job_runs, jobs
from strongroom.store.job_progress import Taken
from strongroom.store.passing import is_passing
from strongroom.store.queue import HandBackError
from strongroom.vault import Vault

# The code of so many jobs is kept, with input and owner: each task of a job would read the same again.
_CODES = 32

# So many tasks are written at a time, of those that write more than their own row. More of them would only wait for one
# another, and everybody who polls would wait for a core behind them all.
_WRITERS = max(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Execution:
    """Runs jobs of the kinds given, in a Vault; ``slots`` messages run at a time in this process."""

    vault: Vault
    kinds: dict[str, JobKind[Any]]
    slots: int
    codes: dict[int, asyncio.Task[Code]] = field(default_factory=dict)
    owners: Owners = field(init=False)
    writers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WRITERS))

    def __post_init__(self) -> None:
        object.__setattr__(self, "owners", Owners(self.vault))

    async def run(self, payload: bytes, handed_back: int = 0) -> None:
        """Begin a job: make its tasks, or do the whole of it if it has only one.

        ``handed_back``: how often this message was given back before, which tells such tries from deadly ones.
        """
        taken = await job_runs.take(self.vault, job_messages.read(payload).job_id)
        if taken is None:
            return
        if taken.job.status is JobStatus.QUEUEING:
            await self._queue(taken, handed_back)
        else:
            await whole.run(self.owners, self.kinds, taken, handed_back)

    async def task(self, payload: bytes, handed_back: int = 0) -> None:
        """Work on one task, then write all that it made in one transaction."""
        message = job_messages.read(payload)
        await self._require_code(message.job_id)
        task = await job_runs.claim_task(self.vault, message.job_id, message.task)
        if task is None:
            return
        try:
            refuse_endless(task.id, task.attempt, handed_back)
            await tries.work_on(await self._code(task.job_id), task, self.writers)
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if tries.goes_back(error):
                raise
            await explain(self.vault, task.job_id, task, error)
            await self._fail(task, error)

    async def complete(self, payload: bytes) -> None:
        """Close a job whose tasks have all ended."""
        job_id = job_messages.read(payload).job_id
        await self._require_code(job_id)
        job = await job_runs.begin_completion(self.vault, job_id)
        if job is None:
            return
        try:
            code = await self._code(job.id)
            ending = replace(job, status=_status(job), links=code.kind.links(), run_end_date=self._now())
            await job_runs.complete(code.vault, ending, partial(_close, code) if code.kind.completes() else None)
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if is_passing(error):
                raise
            await explain(self.vault, job.id, None, error)
            await self._complete_with_errors(job)

    async def _queue(self, taken: Taken, handed_back: int) -> None:
        """Make the items of a job and cut them into tasks."""
        queueing = job_runs.Queueing(taken.job, taken.attempt, window=2 * self.slots)
        try:
            refuse_endless(f"Job [{taken.job.id}]", taken.attempt, handed_back)
            code = await self._code(taken.job.id, taken)
            await write_tasks(self.vault, queueing, code)
        except job_runs.AbandonedError:
            return
        except Exception as error:
            if tries.goes_back(error):
                raise
            await explain(self.vault, taken.job.id, None, error)
            await job_runs.fail_to_run(self.vault, queueing)

    async def _complete_with_errors(self, job: Job) -> None:
        ending = replace(job, status=JobStatus.ERRORS_ENCOUNTERED, links=(), run_end_date=self._now())
        try:
            await job_runs.complete(self.vault, ending)
        except job_runs.AbandonedError:
            return

    def _now(self) -> datetime:
        return whole_second(self.vault.clock.now())

    async def _require_code(self, job_id: int) -> None:
        """Give the message back if not this worker has the job's code, but another one, before anything is begun.

        A job that is QUEUED and whose code nobody has any more ends here.
        """
        try:
            await self._code(job_id)
        except HandBackError:
            raise
        except GivenUpError as error:
            # One that is RUNNING already meets the same with its task, and keeps what it has done.
            await job_runs.fail_queued(self.vault, job_id, str(error))
        except Exception:  # noqa: BLE001 - it is met again, and told, when the task has been begun
            return

    async def _code(self, job_id: int, taken: Taken | None = None) -> Code:
        """Find the code of a job: that of one ``taken`` is at hand, else by one look for all who begin together."""
        loading = self.codes.get(job_id)
        if loading is None:
            if len(self.codes) >= _CODES:
                del self.codes[next(iter(self.codes))]
            loading = self.codes[job_id] = asyncio.create_task(self._load(job_id, taken))
        try:
            return await asyncio.shield(loading)
        except Exception:
            self.codes.pop(job_id, None)
            raise

    async def _load(self, job_id: int, taken: Taken | None) -> Code:
        job, given = (taken.job, taken.input) if taken else await job_runs.retrieve_with_input(self.vault, job_id)
        return await Code.of(self.owners, self.kinds, job, given)

    async def _fail(self, task: Task, error: Exception) -> None:
        output = {"error": str(error)}
        try:
            await job_runs.finish_task(self.vault, task, TaskState.ERRORS_ENCOUNTERED, output, [])
        except job_runs.AbandonedError:
            return


def _status(job: Job) -> JobStatus:
    return JobStatus.ERRORS_ENCOUNTERED if job.failed_tasks else JobStatus.SUCCESS


async def _close(code: Code, vault: Vault, ending: Job) -> None:
    await code.close(vault, ending, lambda: jobs.task_outputs(vault, ending))
