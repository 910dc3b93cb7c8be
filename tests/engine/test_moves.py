"""Every legal move of a job happens by its own cause, with the real services and handlers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.stage import KIND, Scene, Stage, staged, status_of, traits
from tests.services.schedules import HOURLY, define, register

from strongroom.domain.job import MOVES, JobStatus
from strongroom.engine.execution import Execution
from strongroom.services import job_ends, job_messages, jobs, queues, scheduled_jobs
from strongroom.store import scheduled_jobs as scheduled_rows
from strongroom.store.scheduled_jobs import Beginning
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

QUEUE = "played_jobs__c"
GIVEN = {"items": 3}
S = JobStatus
Cause = Callable[[Stage, Vault], Awaitable[int]]


@pytest.fixture
async def stage(system_vault: Vault) -> AsyncIterator[Stage]:
    async with staged(system_vault) as made:
        yield made


async def begun(vault: Vault, **other: Any) -> int:
    return (await jobs.begin(vault, traits(**other), GIVEN, "POST")).id


async def queued(stage: Stage, vault: Vault, **other: Any) -> int:
    job_id = await begun(vault, **other)
    await stage.collect()
    await stage.deliver(stage.waiting.pop(0))
    await stage.collect()
    return job_id


async def running(stage: Stage, vault: Vault, **other: Any) -> int:
    job_id = await queued(stage, vault, **other)
    await stage.deliver(stage.waiting.pop(0), Scene("process", "die"))
    return job_id


async def scheduled(vault: Vault) -> int:
    await register(vault, KIND)
    definition = await define(vault, times=HOURLY, kind=KIND, parameters=GIVEN)
    async with vault.database.reading() as connection:
        return (await scheduled_rows.scheduled_of(connection, [definition.id]))[definition.id].id


async def its_time_has_come(stage: Stage, vault: Vault) -> int:
    job_id = await scheduled(vault)
    job = await jobs.retrieve(vault, job_id)
    assert job.schedule_date is not None
    assert await scheduled_jobs.begin_due(stage.vault) == 0
    await scheduled_jobs.begin_due(stage.until(job.schedule_date))
    return job_id


async def the_same_of_a_whole_one(_: Stage, vault: Vault) -> int:
    job_id, now = await scheduled(vault), vault.clock.now()
    async with vault.database.transaction() as connection:
        await scheduled_rows.begin(connection, [Beginning(job_id, traits(whole=True), now)], vault.user.id, now)
        await job_messages.enqueue_run(connection, [job_id])
    return job_id


async def it_is_cancelled_before_its_time(_: Stage, vault: Vault) -> int:
    return (await jobs.cancel(vault, await scheduled(vault))).id


async def the_grace_has_passed(stage: Stage, vault: Vault) -> int:
    job_id = await scheduled(vault)
    job = await jobs.retrieve(vault, job_id)
    assert job.schedule_date is not None
    grace = timedelta(minutes=vault.settings.schedule_grace_minutes, seconds=1)
    await scheduled_jobs.begin_due(stage.until(job.schedule_date + grace))
    return job_id


async def its_code_is_not_fit(stage: Stage, vault: Vault) -> int:
    job_id = await scheduled(vault)
    job = await jobs.retrieve(vault, job_id)
    assert job.schedule_date is not None
    await register(vault, KIND, error="SyntaxError")
    await scheduled_jobs.begin_due(stage.until(job.schedule_date))
    return job_id


async def its_tasks_have_been_written(stage: Stage, vault: Vault) -> int:
    return await queued(stage, vault)


async def it_is_cancelled_while_its_items_are_made(stage: Stage, vault: Vault) -> int:
    job_id = await begun(vault)
    await stage.collect()
    await stage.deliver(stage.waiting.pop(), Scene("init", "hold"))
    await jobs.cancel(vault, job_id)
    await stage.go_on(stage.held[0], "go")
    return job_id


async def its_items_could_not_be_made(stage: Stage, vault: Vault) -> int:
    job_id = await begun(vault)
    await stage.collect()
    await stage.deliver(stage.waiting.pop(), Scene("init", "break"))
    return job_id


async def time_is_over_for_one_that_is_queueing(stage: Stage, vault: Vault) -> int:
    return await time_is_over(stage, await begun(vault))


async def a_worker_takes_its_first_task(stage: Stage, vault: Vault) -> int:
    return await running(stage, vault)


async def its_queue_is_reset(stage: Stage, vault: Vault) -> int:
    await queues.create(vault, QUEUE)
    job_id = await queued(stage, vault, queue=QUEUE)
    assert await queues.reset(vault, QUEUE) == 1
    return job_id


async def its_code_is_gone(stage: Stage, vault: Vault) -> int:
    job_id = await queued(stage, vault)
    entrypoint, payload = stage.waiting.pop(0)
    assert entrypoint == "task"
    await Execution(stage.vault, {}, slots=1).task(payload)
    return job_id


async def time_is_over_for_one_that_is_queued(stage: Stage, vault: Vault) -> int:
    return await time_is_over(stage, await queued(stage, vault))


async def every_task_ended_well(stage: Stage, vault: Vault) -> int:
    job_id = await running(stage, vault)
    await stage.until_quiet()
    return job_id


async def a_task_ended_with_errors(stage: Stage, vault: Vault) -> int:
    job_id = await queued(stage, vault)
    await stage.deliver(stage.waiting.pop(0), Scene("process", "break"))
    await stage.until_quiet()
    return job_id


async def it_is_cancelled_while_it_runs(stage: Stage, vault: Vault) -> int:
    job_id = await queued(stage, vault)
    await stage.deliver(stage.waiting.pop(0), Scene("process", "hold"))
    await jobs.cancel(vault, job_id)
    await stage.go_on(stage.held[0], "go")
    return job_id


async def time_is_over_for_one_that_runs(stage: Stage, vault: Vault) -> int:
    return await time_is_over(stage, await running(stage, vault, limit=timedelta(minutes=1)))


async def it_is_silent(stage: Stage, vault: Vault) -> int:
    job_id = await running(stage, vault)
    assert await job_ends.end_silent(stage.vault) == 0
    await stage.age(job_id)
    assert await job_ends.end_silent(stage.vault) == 1
    return job_id


async def time_is_over(stage: Stage, job_id: int) -> int:
    assert await job_ends.end_overdue(stage.vault) == 0
    assert await job_ends.end_overdue(stage.later(hours=24)) == 1
    return job_id


CAUSES: dict[tuple[JobStatus, JobStatus], Cause] = {
    (S.SCHEDULED, S.QUEUEING): its_time_has_come,
    (S.SCHEDULED, S.QUEUED): the_same_of_a_whole_one,
    (S.SCHEDULED, S.CANCELLED): it_is_cancelled_before_its_time,
    (S.SCHEDULED, S.MISSED_SCHEDULE): the_grace_has_passed,
    (S.SCHEDULED, S.FAILED_TO_RUN): its_code_is_not_fit,
    (S.QUEUEING, S.QUEUED): its_tasks_have_been_written,
    (S.QUEUEING, S.CANCELLED): it_is_cancelled_while_its_items_are_made,
    (S.QUEUEING, S.FAILED_TO_RUN): its_items_could_not_be_made,
    (S.QUEUEING, S.TIMEOUT): time_is_over_for_one_that_is_queueing,
    (S.QUEUED, S.RUNNING): a_worker_takes_its_first_task,
    (S.QUEUED, S.CANCELLED): its_queue_is_reset,
    (S.QUEUED, S.FAILED_TO_RUN): its_code_is_gone,
    (S.QUEUED, S.TIMEOUT): time_is_over_for_one_that_is_queued,
    (S.RUNNING, S.SUCCESS): every_task_ended_well,
    (S.RUNNING, S.ERRORS_ENCOUNTERED): a_task_ended_with_errors,
    (S.RUNNING, S.CANCELLED): it_is_cancelled_while_it_runs,
    (S.RUNNING, S.TIMEOUT): time_is_over_for_one_that_runs,
    (S.RUNNING, S.COMPLETED_DUE_TO_INACTIVITY): it_is_silent,
}


def test_each_move_of_the_table_has_its_cause_here() -> None:
    assert list(CAUSES) == [(move.source, move.target) for move in MOVES]


@pytest.mark.parametrize(("source", "target"), CAUSES)
async def test_a_legal_move_happens_by_its_cause(
    stage: Stage, vault: Vault, source: JobStatus, target: JobStatus
) -> None:
    job_id = await CAUSES[source, target](stage, vault)
    assert await status_of(stage, job_id) is target
    last = await stage.connection.fetchrow("SELECT old, new FROM audit WHERE job = $1 ORDER BY id DESC LIMIT 1", job_id)
    assert last is not None
    assert (last["old"], last["new"]) == (source, target)
    if target.is_terminal:
        job = await jobs.retrieve(vault, job_id)
        assert job.run_end_date is not None
        # Whatever message of it was ever written comes once more, and then what the sweep finds.
        for letter in list(stage.post.seen):
            await stage.deliver(letter)
        await stage.until_quiet()
    await stage.audit()
    await stage.check_work()
