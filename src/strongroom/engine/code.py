"""A job's own code as the engine calls it: with its input, in its owner's name, and with its errors explained."""

import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog

from strongroom.domain.custom_job import is_custom
from strongroom.domain.errors import VaultError
from strongroom.domain.job import Job, JobStatus, Task
from strongroom.engine.owners import Owners
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext
from strongroom.services import job_metadata, job_runs
from strongroom.store.queue import HandBackError
from strongroom.vault import Vault

MAX_ATTEMPTS = 10
"""What has taken its worker down this often is ended with errors."""

ELSEWHERE_SECONDS = 1.0
"""After so many seconds a message is delivered again that only another worker can do something with."""

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
            raise await _without_code(owners.vault, job)
        await _note_other_code(owners.vault, job, kind)
        return cls(await owners.of(job.created_by), job, kind, msgspec.convert(given, kind.input))

    def items(self) -> AsyncIterator[dict[str, Any]]:
        """The items of the job, as its code gives them."""
        log = partial(job_runs.write_log, self.vault, self.job.id)
        return self.kind.init(InitContext(self.vault, self.job, self.input, log))

    async def process(self, task: Task) -> ProcessContext[Any]:
        """Work on one task; gives what the code wants to have written."""
        log = partial(job_runs.write_log, self.vault, self.job.id, task=task)
        ctx = ProcessContext(self.vault, self.job, self.input, task, log)
        await self.kind.process(ctx)
        return ctx

    async def close(self, vault: Vault, ended: Job, tasks: Callable[[], AsyncIterator[Task]]) -> None:
        """Call the completion inside the transaction that ends the job, which ``vault`` is bound to."""
        ctx = CompletionContext(vault, ended, self.input, partial(job_runs.write_log, vault, ended.id), tasks)
        if ended.status is JobStatus.SUCCESS:
            await self.kind.complete_with_success(ctx)
        else:
            await self.kind.complete_with_error(ctx)


async def _without_code(vault: Vault, job: Job) -> Exception:
    """The error that gives the message to a worker that has the code, or else says why there is none."""
    told = f"No code is loaded for jobs of kind {job.kind!r}."
    known = await job_metadata.find(vault, job.kind) if is_custom(job.kind) else None
    if known is None:
        return GivenUpError(told)
    problem = job_metadata.problem_of(known)
    return HandBackError(ELSEWHERE_SECONDS) if problem is None else GivenUpError(f"{told[:-1]}: {problem}")


async def _note_other_code(vault: Vault, job: Job, kind: JobKind[Any]) -> None:
    """Say in the log if a job goes on with other code than it was started with."""
    here = kind.traits().code_sha256
    if here != job.code_sha256:
        text = f"A worker goes on with other code (SHA-256 {here}) than the job was started with ({job.code_sha256})."
        await job_runs.write_log(vault, job.id, text)


def refuse_endless(what: str, attempt: int, handed_back: int) -> None:
    """Give up what was begun again and again and never ended. A try that was handed back does not count: it is not the
    fault of the code that the database was away, or that the worker was told to stop.
    """
    if attempt - handed_back > MAX_ATTEMPTS:
        raise GivenUpError(f"{what} was begun {MAX_ATTEMPTS} times and never ended; it is given up.")


async def explain(vault: Vault, job_id: int, task: Task | None, error: Exception) -> None:
    """Write to a job's log why its code failed; what is no error of ours goes with its traceback.

    A job that has ended meanwhile has no use for it.
    """
    if isinstance(error, VaultError | GivenUpError):
        text = str(error)
    else:
        _log.error("job_code_failed", job_id=job_id, exc_info=error)
        text = "".join(traceback.format_exception(error))
    with suppress(job_runs.AbandonedError):
        await job_runs.write_log(vault, job_id, text, task)
