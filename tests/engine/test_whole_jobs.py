"""Jobs that run as a whole: one task, one message, all or nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest
from tests.engine.conftest import WORKER, ended
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.errors import OperationNotAllowed
from strongroom.domain.job import Job, JobStatus, TaskState
from strongroom.engine import worker
from strongroom.engine.execution import Execution
from strongroom.sdk import JobKind, ProcessContext
from strongroom.services import job_messages, job_runs, jobs
from strongroom.store.job_progress import Ending
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


class Whole(Counting):
    """Counts its items in one go."""

    name = "whole"
    chunk_size: ClassVar[int | None] = None


class Silent(JobKind[CountingInput]):
    """Does nothing but count, and has no completion: many of them end together."""

    name = "silent"
    title = "Silent"
    input = CountingInput
    chunk_size = None

    async def init(self, ctx: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"number": ctx.input.items}

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        if ctx.input.items in ctx.input.broken:
            raise RuntimeError("this one is broken")
        ctx.output["number"] = ctx.task.items[0]["number"]


KINDS: dict[str, JobKind[Any]] = {"whole": Whole(), "silent": Silent()}


@pytest.fixture
async def whole_worker(system_vault: Vault) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(system_vault, KINDS, worker_id=WORKER, stop=stop))
    yield
    stop.set()
    await working


async def test_it_begins_queued_and_ends_with_one_task_and_its_output(vault: Vault, whole_worker: None) -> None:
    job = await jobs.start(vault, Whole(), CountingInput(items=7))
    assert job.status is JobStatus.QUEUED
    done = await ended(vault, job.id)
    assert (done.status, done.total_tasks, done.open_tasks, done.failed_tasks) == (JobStatus.SUCCESS, 1, 0, 0)
    assert done.run_start_date is not None
    assert done.run_end_date is not None
    assert [task.output async for task in jobs.task_outputs(vault, done)] == [{"numbers": list(range(7))}]
    lines = [line.text for line in await jobs.log(vault, job.id)]
    assert lines[0] == f"counting {list(range(7))}"
    assert lines.count(f"Completed counting job [{job.id}]") == 1
    assert "all 1 tasks ended well" in lines


async def test_an_error_ends_it_with_errors_and_the_reason_in_the_log(vault: Vault, whole_worker: None) -> None:
    job = await jobs.start(vault, Whole(), CountingInput(items=2, refused=(1,)))
    done = await ended(vault, job.id)
    assert (done.status, done.failed_tasks) == (JobStatus.ERRORS_ENCOUNTERED, 1)
    lines = [line.text for line in await jobs.log(vault, job.id)]
    assert "Number [1] is refused." in lines
    assert lines[-1] == "Job Completion Status: Errors Encountered (COMPLETED_WITH_ERRORS)"


async def test_a_completion_that_breaks_ends_it_with_errors(vault: Vault, whole_worker: None) -> None:
    job = await jobs.start(vault, Whole(), CountingInput(items=1, completion_breaks=True))
    done = await ended(vault, job.id)
    assert done.status is JobStatus.ERRORS_ENCOUNTERED
    assert any("the completion is broken" in line.text for line in await jobs.log(vault, job.id))


async def test_many_at_once_end_once_each_and_a_broken_one_spoils_no_other(vault: Vault, whole_worker: None) -> None:
    given = [CountingInput(items=number, broken=(13,)) for number in range(60)]
    started = await asyncio.gather(*(jobs.start(vault, Silent(), each) for each in given))
    assert len({job.id for job in started}) == 60
    for number, job in enumerate(started):
        done = await ended(vault, job.id)
        assert done.status is (JobStatus.ERRORS_ENCOUNTERED if number == 13 else JobStatus.SUCCESS)
        lines = [line.text for line in await jobs.log(vault, job.id)]
        assert lines.count(f"Completed silent job [{job.id}]") == 1
        if number != 13:
            assert [task.output async for task in jobs.task_outputs(vault, done)] == [{"number": number}]


async def test_an_older_try_and_a_cancelled_job_write_nothing(system_vault: Vault, vault: Vault) -> None:
    execution = Execution(system_vault, KINDS, slots=2)
    job = await jobs.start(vault, Silent(), CountingInput(items=5))
    older = await job_runs.take(system_vault, job.id)
    newer = await job_runs.take(system_vault, job.id)
    assert older is not None
    assert newer is not None
    assert (older.attempt, newer.attempt) == (1, 2)
    for taken in (older, newer):
        ending = _ending(job, taken.attempt)
        if taken is older:
            with pytest.raises(job_runs.AbandonedError):
                await job_runs.end_whole(system_vault, ending, [])
        else:
            await job_runs.end_whole(system_vault, ending, [])
    assert len(await jobs.log(vault, job.id)) == 1
    await execution.run(_message(job.id))
    assert len(await jobs.log(vault, job.id)) == 1

    other = await jobs.start(vault, Silent(), CountingInput(items=6))
    begun = await job_runs.take(system_vault, other.id)
    assert begun is not None
    assert (await jobs.cancel(vault, other.id)).status is JobStatus.CANCELLED
    ending = _ending(other, begun.attempt)
    with pytest.raises(job_runs.AbandonedError):
        await job_runs.end_whole(system_vault, ending, [])
    assert (await jobs.retrieve(vault, other.id)).status is JobStatus.CANCELLED
    lines = [line.text for line in await jobs.log(vault, other.id)]
    assert (lines[0], lines[-1]) == (
        f"Completed silent job [{other.id}]",
        "Job Completion Status: Cancelled (CANCELLED)",
    )
    assert lines.count(lines[0]) == 1
    with pytest.raises(OperationNotAllowed):
        await jobs.cancel(vault, other.id)


async def test_one_that_took_its_worker_down_too_often_is_given_up(system_vault: Vault, vault: Vault) -> None:
    job = await jobs.start(vault, Silent(), CountingInput(items=5))
    for _ in range(10):
        await job_runs.take(system_vault, job.id)
    await Execution(system_vault, KINDS, slots=2).run(_message(job.id))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.ERRORS_ENCOUNTERED
    assert any("given up" in line.text for line in await jobs.log(vault, job.id))


async def test_a_lost_message_is_written_again(system_vault: Vault, vault: Vault) -> None:
    job = await jobs.start(vault, Silent(), CountingInput(items=5))
    await job_runs.take(system_vault, job.id)
    assert await job_runs.resend_lost(system_vault, untouched_seconds=0) == 1
    await Execution(system_vault, KINDS, slots=2).run(_message(job.id))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.SUCCESS


def _ending(job: Job, attempt: int) -> Ending:
    now = datetime.now(UTC)
    return Ending(job.id, attempt, TaskState.SUCCESS, now, (), {}, now, "ended")


def _message(job_id: int) -> bytes:
    return msgspec.json.encode(job_messages.JobMessage(job_id))
