"""A worker that lacks the code of a job, as one does that was started from an older copy."""

import msgspec
import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import JobStatus
from strongroom.engine.execution import Execution
from strongroom.services import job_messages, job_runs, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


def _message(job_id: int, task: int = 0) -> bytes:
    return msgspec.json.encode(job_messages.JobMessage(job_id, task))


async def test_a_job_of_an_unknown_kind_fails_to_run_and_says_so(system_vault: Vault, vault: Vault) -> None:
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    await Execution(system_vault, {}, slots=2).run(_message(job.id))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.FAILED_TO_RUN
    lines = [line.text for line in await jobs.log(vault, job.id)]
    assert "No code is loaded for jobs of kind 'counting'." in lines


async def test_tasks_and_completion_of_an_unknown_kind_end_with_errors(system_vault: Vault, vault: Vault) -> None:
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    await Execution(system_vault, {"counting": Counting()}, slots=2).run(_message(job.id))
    # A worker takes the task, and dies.
    assert await job_runs.claim_task(system_vault, job.id, 1) is not None
    without = Execution(system_vault, {}, slots=2)
    await without.task(_message(job.id, 1))
    await without.complete(_message(job.id))
    ended = await jobs.retrieve(vault, job.id)
    assert (ended.status, ended.failed_tasks) == (JobStatus.ERRORS_ENCOUNTERED, 1)


async def test_a_job_whose_code_is_gone_when_its_first_task_is_due_fails_to_run(
    system_vault: Vault, vault: Vault
) -> None:
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    await Execution(system_vault, {"counting": Counting()}, slots=2).run(_message(job.id))
    await Execution(system_vault, {}, slots=2).task(_message(job.id, 1))
    ended = await jobs.retrieve(vault, job.id)
    assert (ended.status, ended.run_start_date, ended.failed_tasks) == (JobStatus.FAILED_TO_RUN, None, 0)
    assert ended.run_end_date is not None
    lines = [line.text for line in await jobs.log(vault, job.id)]
    assert lines[0] == "No code is loaded for jobs of kind 'counting'."
    assert lines[-1] == "Job Completion Status: Failed to Run (FAILED_TO_RUN)"
