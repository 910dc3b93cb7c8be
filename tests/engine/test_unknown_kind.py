"""A worker that lacks the code of a job, as one does that was started from an older copy."""

import msgspec
import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import JobStatus
from strongroom.engine.execution import Execution
from strongroom.services import job_messages, jobs
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
    without = Execution(system_vault, {}, slots=2)
    await without.task(_message(job.id, 1))
    await without.complete(_message(job.id))
    ended = await jobs.retrieve(vault, job.id)
    assert (ended.status, ended.failed_tasks) == (JobStatus.ERRORS_ENCOUNTERED, 1)
