"""A job's own code as the engine calls it: with its input, in its owner's name, and with its errors explained."""

import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog

from strongroom.domain.errors import VaultError
from strongroom.domain.job import Job, JobStatus, Task
from strongroom.engine.log import closing_lines
from strongroom.engine.owners import Owners
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext
from strongroom.services import job_runs
from strongroom.vault import Vault

MAX_ATTEMPTS = 10
"""What has taken its worker down this often is ended with errors."""

_log = structlog.get_logger(__name__)


class GivenUpError(Exception):
    """A job cannot go on, and why."""


@dataclass(frozen=True)
class Code:
    """The code of one job, which is given the job as it was when it began, and the Vault as its owner sees it."""

    vault: Vault
    job: Job
    kind: JobKind[Any]
    input: Any

    @classmethod
    async def of(cls, owners: Owners, kinds: dict[str, JobKind[Any]], job: Job, given: dict[str, Any]) -> "Code":
        """Find the code of a job whose client asked for ``given``."""
        kind = kinds.get(job.kind)
        if kind is None:
            raise GivenUpError(f"No code is loaded for jobs of kind {job.kind!r}.")
        return cls(await owners.of(job.created_by), job, kind, msgspec.convert(given, kind.input))

    def items(self) -> AsyncIterator[dict[str, Any]]:
        """The items of the job, as its code gives them."""
        log = partial(job_runs.write_log, self.vault, self.job.id)
        return self.kind.init(InitContext(self.vault, self.job, self.input, log))

    async def process(self, task: Task) -> ProcessContext[Any]:
        """Work on one task; gives what the code wants to have written."""
        if task.attempt > MAX_ATTEMPTS:
            raise GivenUpError(f"{task.id} was begun {MAX_ATTEMPTS} times and never ended; it is given up.")
        log = partial(job_runs.write_log, self.vault, self.job.id, task=task)
        ctx = ProcessContext(self.vault, self.job, self.input, task, log)
        await self.kind.process(ctx)
        return ctx

    async def close(self, vault: Vault, ended: Job, tasks: AsyncIterator[Task]) -> None:
        """Call the completion inside the transaction that ends the job, which ``vault`` is bound to."""
        ctx = CompletionContext(vault, ended, self.input, partial(job_runs.write_log, vault, ended.id), lambda: tasks)
        if ended.status is JobStatus.SUCCESS:
            await self.kind.complete_with_success(ctx)
        else:
            await self.kind.complete_with_error(ctx)


async def sign_off(vault: Vault, job: Job) -> None:
    """Write the last lines of a job's log."""
    await job_runs.write_log(vault, job.id, closing_lines(job))


async def explain(vault: Vault, job_id: int, task: Task | None, error: Exception) -> None:
    """Write to a job's log why its code failed; what is no error of ours goes with its traceback."""
    if isinstance(error, VaultError | GivenUpError):
        text = str(error)
    else:
        _log.error("job_code_failed", job_id=job_id, exc_info=error)
        text = "".join(traceback.format_exception(error))
    await job_runs.write_log(vault, job_id, text, task)
