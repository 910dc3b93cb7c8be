from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.domain.job import Job, JobFilter, JobStatus
from strongroom.domain.page import Window
from strongroom.engine.execution import Execution
from strongroom.services import job_messages, job_runs, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

RunJob = Callable[[CountingInput], Awaitable[Job]]


async def test_a_job_runs_to_success_with_all_its_items_in_order(vault: Vault, run_job: RunJob) -> None:
    job = await run_job(CountingInput(items=100))
    assert job.status is JobStatus.SUCCESS
    assert (job.total_tasks, job.open_tasks, job.failed_tasks) == (34, 0, 0)
    numbers = [number async for task in jobs.task_outputs(vault, job) for number in (task.output or {})["numbers"]]
    assert numbers == list(range(100))
    assert job.run_start_date is not None
    assert job.run_end_date is not None
    assert job.created_date <= job.run_start_date <= job.run_end_date


async def test_a_job_without_items_is_a_success(run_job: RunJob) -> None:
    job = await run_job(CountingInput(items=0))
    assert (job.status, job.total_tasks) == (JobStatus.SUCCESS, 0)
    assert job.run_start_date is not None


@pytest.mark.parametrize(
    "given", [CountingInput(7, bad=(4,)), CountingInput(7, broken=(4,)), CountingInput(7, refused=(4,))]
)
async def test_one_failed_task_makes_errors_encountered_and_the_rest_is_done(
    vault: Vault, run_job: RunJob, given: CountingInput
) -> None:
    job = await run_job(given)
    assert (job.status, job.total_tasks, job.failed_tasks) == (JobStatus.ERRORS_ENCOUNTERED, 3, 1)
    states = [task.state async for task in jobs.task_outputs(vault, job)]
    assert states == ["SUCCESS", "ERRORS_ENCOUNTERED", "SUCCESS"]


async def test_the_log_holds_the_code_s_own_lines_the_error_and_the_closing(vault: Vault, run_job: RunJob) -> None:
    job = await run_job(CountingInput(items=2, refused=(1,)))
    lines = [line.text for line in await jobs.log(vault, job.id)]
    assert lines[:3] == ["counting [0, 1]", "Number [1] is refused.", "1 of 1 tasks failed"]
    assert lines[3] == f"Completed counting job [{job.id}]"
    assert lines[-1] == "Job Completion Status: Errors Encountered (COMPLETED_WITH_ERRORS)"


async def test_an_init_that_breaks_ends_as_failed_to_run_with_the_reason_in_the_log(
    vault: Vault, run_job: RunJob
) -> None:
    job = await run_job(CountingInput(items=500, init_breaks_at=450))
    assert job.status is JobStatus.FAILED_TO_RUN
    assert any("init is broken" in line.text for line in await jobs.log(vault, job.id))


async def test_a_completion_that_breaks_ends_the_job_with_errors_and_the_reason_in_the_log(
    vault: Vault, run_job: RunJob
) -> None:
    job = await run_job(CountingInput(items=1, completion_breaks=True))
    assert (job.status, job.failed_tasks) == (JobStatus.ERRORS_ENCOUNTERED, 0)
    lines = [line.text for line in await jobs.log(vault, job.id)]
    assert any("the completion is broken" in line for line in lines)
    assert "all 1 tasks ended well" not in lines


async def test_what_check_refuses_leaves_no_job(vault: Vault) -> None:
    with pytest.raises(InvalidData, match=r"\[-1\]"):
        await jobs.start(vault, Counting(), CountingInput(items=-1))
    everything = JobFilter(tuple(JobStatus))
    assert (await jobs.monitors(vault, everything, Window())).total == 0


async def test_a_cancelled_job_ends_at_once_and_takes_no_more_results(system_vault: Vault, vault: Vault) -> None:
    execution = Execution(system_vault, {"counting": Counting()}, slots=2)
    job = await jobs.start(vault, Counting(), CountingInput(items=6))
    await execution.run(_message(job.id))
    claimed = await job_runs.claim_task(system_vault, job.id, 1)
    assert claimed is not None
    assert (await jobs.cancel(vault, job.id)).status is JobStatus.CANCELLED
    with pytest.raises(job_runs.AbandonedError):
        await job_runs.finish_task(system_vault, claimed, claimed.state, {}, [])
    await execution.task(_message(job.id, 2))
    await execution.complete(_message(job.id))
    again = await jobs.retrieve(vault, job.id)
    assert (again.status, again.open_tasks) == (JobStatus.CANCELLED, 2)
    with pytest.raises(OperationNotAllowed, match="CANCELLED"):
        await jobs.cancel(vault, job.id)


async def test_messages_that_come_twice_or_late_change_nothing(system_vault: Vault, vault: Vault) -> None:
    execution = Execution(system_vault, {"counting": Counting()}, slots=2)
    job = await jobs.start(vault, Counting(), CountingInput(items=6))
    for _ in range(2):
        await execution.run(_message(job.id))
    await execution.complete(_message(job.id))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.QUEUED
    for number in (1, 1, 2, 2, 1):
        await execution.task(_message(job.id, number))
    for _ in range(2):
        await execution.complete(_message(job.id))
    done = await jobs.retrieve(vault, job.id)
    assert (done.status, done.open_tasks, done.total_tasks) == (JobStatus.SUCCESS, 0, 2)
    closings = [line for line in await jobs.log(vault, job.id) if line.text.startswith("Completed counting job")]
    assert len(closings) == 1


async def test_a_task_taken_over_by_a_second_worker_is_not_ended_by_the_first(
    system_vault: Vault, vault: Vault
) -> None:
    execution = Execution(system_vault, {"counting": Counting()}, slots=2)
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    await execution.run(_message(job.id))
    first = await job_runs.claim_task(system_vault, job.id, 1)
    second = await job_runs.claim_task(system_vault, job.id, 1)
    assert first is not None
    assert second is not None
    with pytest.raises(job_runs.AbandonedError):
        await job_runs.finish_task(system_vault, first, first.state, {"by": "first"}, [])
    await execution.task(_message(job.id, 1))
    assert (await jobs.retrieve(vault, job.id)).open_tasks == 0


async def test_what_apply_wrote_is_rolled_back_with_the_task(system_vault: Vault, vault: Vault) -> None:
    execution = Execution(system_vault, {"counting": Counting()}, slots=2)
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    await execution.run(_message(job.id))
    claimed = await job_runs.claim_task(system_vault, job.id, 1)
    assert claimed is not None

    async def write(bound: Vault) -> None:
        await job_runs.write_log(bound, job.id, "written inside")
        raise RuntimeError("and then it broke")

    with pytest.raises(RuntimeError):
        await job_runs.finish_task(system_vault, claimed, claimed.state, {}, [write])
    assert await jobs.log(vault, job.id) == []
    assert (await jobs.retrieve(vault, job.id)).open_tasks == 1


async def test_a_task_that_took_its_worker_down_too_often_is_given_up(system_vault: Vault, vault: Vault) -> None:
    execution = Execution(system_vault, {"counting": Counting()}, slots=2)
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    await execution.run(_message(job.id))
    for _ in range(10):
        await job_runs.claim_task(system_vault, job.id, 1)
    await execution.task(_message(job.id, 1))
    await execution.complete(_message(job.id))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.ERRORS_ENCOUNTERED
    assert any("given up" in line.text for line in await jobs.log(vault, job.id))


async def test_lost_messages_are_written_again_by_the_sweep(
    vault: Vault, system_vault: Vault, database_url: str
) -> None:
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    assert await _messages(database_url) == ["run"]
    await _lose_messages(database_url)
    assert await job_runs.resend_lost(system_vault, untouched_seconds=3600) == 0
    assert await job_runs.resend_lost(system_vault, untouched_seconds=0) == 1
    assert await job_runs.resend_lost(system_vault, untouched_seconds=0) == 1
    assert await _messages(database_url) == ["run"]
    execution = Execution(system_vault, {"counting": Counting()}, slots=2)
    await execution.run(_message(job.id))
    await _lose_messages(database_url)
    await job_runs.resend_lost(system_vault, untouched_seconds=0)
    assert await _messages(database_url) == ["task"]
    await execution.task(_message(job.id, 1))
    await _lose_messages(database_url)
    await job_runs.resend_lost(system_vault, untouched_seconds=0)
    assert await _messages(database_url) == ["complete"]


async def _messages(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["entrypoint"] for row in await connection.fetch("SELECT entrypoint FROM pgqueuer")]
    finally:
        await connection.close()


async def _lose_messages(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DELETE FROM pgqueuer")
    finally:
        await connection.close()


def _message(job_id: int, task: int = 0) -> bytes:
    return msgspec.json.encode(job_messages.JobMessage(job_id, task))
