"""A worker that was believed dead comes back in the middle of a try that has been taken over."""

import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import JobStatus
from strongroom.services import job_runs, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def test_an_older_try_at_queueing_that_fails_does_not_end_the_job_of_the_newer(
    system_vault: Vault, vault: Vault
) -> None:
    job = await jobs.start(vault, Counting(), CountingInput(items=3))
    taken = [await job_runs.take(system_vault, job.id) for _ in range(2)]
    older, newer = [job_runs.Queueing(each.job, each.attempt, window=2) for each in taken if each is not None]
    assert not await job_runs.fail_to_run(system_vault, older)
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.QUEUEING
    assert await job_runs.fail_to_run(system_vault, newer)
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.FAILED_TO_RUN
