"""The scheduler: what is due begins, once; what is late is missed; what cannot run says why; and there is always a next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from tests.engine.conftest import KINDS, WORKER, ended
from tests.services.schedules import HOURLY, NOON, at, clock, define, jobs_of, log_of, register, told

from strongroom.domain.job import ONE_TIME_LIMIT, SCHEDULED_LIMIT, JobStatus
from strongroom.engine import worker
from strongroom.main.vault import open_vault
from strongroom.services import job_definitions, jobs, scheduled_jobs, users
from strongroom.services.job_definitions import Changes
from strongroom.services.users import NewUser
from strongroom.store.tables import job_definitions as definitions_table
from strongroom.store.tables import job_metadata
from strongroom.store.tables import jobs as jobs_table
from strongroom.store.tables import users as users_table
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

NIGHT = clock("2026-03-04 23:00")


@pytest.fixture
async def noon(vault: Vault) -> Vault:
    """The Vault at noon of a day in March, with a kind that can be scheduled."""
    await register(vault)
    return at(vault, NOON)


async def step(vault: Vault, moment: datetime) -> int:
    """One look of a scheduler at that moment."""
    system = at(vault, moment)
    await scheduled_jobs.make_missing(system)
    return await scheduled_jobs.begin_due(system)


async def test_nothing_begins_before_its_time_and_then_it_does_once(noon: Vault) -> None:
    definition = await define(noon)
    assert await step(noon, NIGHT - timedelta(seconds=1)) == 0
    assert await step(noon, NIGHT) == 1
    assert await step(noon, NIGHT) == 0
    assert await told(noon, definition) == [("QUEUEING", "2026-03-04 23:00"), ("SCHEDULED", "2026-03-05 23:00")]
    begun, following = await jobs_of(noon, definition)
    assert (begun.run_start_date, begun.created_by, begun.method) == (None, noon.user.id, None)
    assert following.run_start_date == clock("2026-03-05 23:00")


@pytest.mark.parametrize(("minutes", "limit"), [(None, SCHEDULED_LIMIT), (90, timedelta(minutes=90))])
async def test_the_time_of_a_scheduled_job_ends_after_72_hours_or_as_its_kind_says(
    noon: Vault, minutes: int | None, limit: timedelta
) -> None:
    definition = await define(noon)
    # Only what the kind is like when the job begins counts.
    await register(noon, timeout_duration=minutes, queue=None)
    await step(noon, NIGHT)
    async with noon.database.reading() as connection:
        found = await connection.execute(
            text(f"SELECT deadline FROM jobs WHERE definition = {definition.id} ORDER BY id")
        )
        assert [row.deadline for row in found] == [NIGHT + limit, None]
    assert limit != ONE_TIME_LIMIT


async def test_a_scheduled_job_runs_in_a_worker_and_keeps_its_id(noon: Vault, system_vault: Vault) -> None:
    definition = await define(noon, times=HOURLY, parameters={"items": 5})
    (planned,) = await jobs_of(noon, definition)
    stop = asyncio.Event()
    # Its clock stands at the moment at which the job is due: the worker's own scheduler begins it.
    due = at(system_vault, clock("2026-03-04 12:30"))
    working = asyncio.create_task(worker.run(due, KINDS, worker_id=WORKER, stop=stop))
    job = await ended(noon, planned.id)
    stop.set()
    await working
    assert (job.status, job.total_tasks, job.scheduled) == (JobStatus.SUCCESS, 2, True)
    assert "counting [3, 4]" in await log_of(noon, job)
    assert (await told(noon, definition))[1:] == [("SCHEDULED", "2026-03-04 13:30")]


async def test_within_the_grace_a_late_job_begins_and_beyond_it_has_missed_its_schedule(noon: Vault) -> None:
    definition = await define(noon)
    await step(noon, NIGHT + timedelta(minutes=30))
    assert await told(noon, definition) == [("QUEUEING", "2026-03-04 23:00"), ("SCHEDULED", "2026-03-05 23:00")]
    other = await define(noon, "other__c")
    late = clock("2026-03-06 23:30") + timedelta(seconds=1)
    await step(noon, late)
    (missed, following) = await jobs_of(noon, other)
    # The server was down for days: one job is missed, not one for each of them.
    assert (missed.status, missed.run_end_date, missed.run_start_date) == (JobStatus.MISSED_SCHEDULE, late, None)
    assert (following.status, following.run_start_date) == (JobStatus.SCHEDULED, clock("2026-03-07 23:00"))
    log = await log_of(noon, missed)
    assert "planned for 2026-03-04T23:00:00.000Z and could not be started within 30 minutes" in log
    assert "Job Completion Status: Missed Schedule" in log


async def test_a_job_waits_for_an_earlier_run_of_its_definition(noon: Vault) -> None:
    definition = await define(noon, times=HOURLY)
    await step(noon, clock("2026-03-04 12:30"))
    (first, second) = await jobs_of(noon, definition)
    assert await step(noon, clock("2026-03-04 13:30")) == 0
    assert (await jobs.retrieve(noon, second.id)).status is JobStatus.SCHEDULED
    await jobs.cancel(noon, first.id)
    assert await step(noon, clock("2026-03-04 13:40")) == 1
    assert (await told(noon, definition))[1:] == [("QUEUEING", "2026-03-04 13:30"), ("SCHEDULED", "2026-03-04 14:30")]


async def test_a_job_whose_earlier_run_goes_on_beyond_the_grace_has_missed_its_schedule(noon: Vault) -> None:
    definition = await define(noon, times=HOURLY)
    await step(noon, clock("2026-03-04 12:30"))
    await step(noon, clock("2026-03-04 14:00"))
    assert len(await jobs_of(noon, definition)) == 2
    await step(noon, clock("2026-03-04 14:01"))
    assert (await told(noon, definition))[1:] == [
        ("MISSED_SCHEDULE", "2026-03-04 13:30"),
        ("SCHEDULED", "2026-03-04 14:30"),
    ]


async def test_of_a_kind_that_runs_alone_the_second_waits_and_those_behind_it_do_not(noon: Vault) -> None:
    await register(noon, single_instance_states=("queued", "running"))
    await register(noon, "other")
    one, two = await define(noon, "one__c"), await define(noon, "two__c")
    free = await define(noon, "zero__c", kind="other")
    assert await step(noon, NIGHT) == 2
    states = [(await jobs_of(noon, each))[0].status for each in (one, two, free)]
    assert states == [JobStatus.QUEUEING, JobStatus.SCHEDULED, JobStatus.QUEUEING]
    assert await step(noon, NIGHT + timedelta(minutes=1)) == 0
    await jobs.cancel(noon, (await jobs_of(noon, one))[0].id)
    assert await step(noon, NIGHT + timedelta(minutes=2)) == 1
    assert (await jobs_of(noon, two))[0].status is JobStatus.QUEUEING


async def test_a_job_that_waits_for_its_time_is_in_no_way(noon: Vault) -> None:
    await register(noon, single_instance_states=("scheduled", "queued", "running"))
    definition = await define(noon)
    await define(noon, "later__c", times={"schedule": "daily", "time": "23:30"})
    assert await step(noon, NIGHT) == 1
    assert (await told(noon, definition))[0] == ("QUEUEING", "2026-03-04 23:00")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (update(users_table).where(users_table.c.name == "lena").values(active=False), "is gone or inactive"),
        (update(definitions_table).values(owner=999), r"user [999], is gone or inactive"),
        (update(job_metadata).values(active=False), "it is not active"),
        (update(job_metadata).values(error="line 3: no such name"), "line 3: no such name"),
        (job_metadata.delete(), "There is no job metadata [counting]"),
    ],
)
async def test_what_cannot_run_fails_to_run_and_says_why(noon: Vault, spoil: Any, reason: str) -> None:
    lena = await users.create(noon, NewUser("lena", "Lena", "Frost", "lena@example.org"))
    definition = await define(noon, owner=lena)
    async with noon.database.transaction() as connection:
        await connection.execute(spoil)
    assert await step(noon, NIGHT) == 1
    assert await told(noon, definition) == [("FAILED_TO_RUN", "2026-03-04 23:00"), ("SCHEDULED", "2026-03-05 23:00")]
    (failed, _) = await jobs_of(noon, definition)
    assert (failed.run_start_date, failed.run_end_date) == (None, NIGHT)
    assert reason in await log_of(noon, failed)


async def test_a_cancelled_one_is_followed_by_the_next_at_once(noon: Vault) -> None:
    definition = await define(noon)
    (job,) = await jobs_of(noon, definition)
    assert (await jobs.cancel(noon, job.id)).status is JobStatus.CANCELLED
    assert await told(noon, definition) == [("CANCELLED", "2026-03-04 23:00"), ("SCHEDULED", "2026-03-05 23:00")]
    assert await step(noon, NIGHT) == 0


async def test_a_missing_one_is_made_after_those_that_there_were(noon: Vault) -> None:
    definition = await define(noon)
    async with noon.database.transaction() as connection:
        await connection.execute(update(jobs_table).values(status=JobStatus.CANCELLED, run_end_date=NOON))
    assert await scheduled_jobs.make_missing(noon) == 1
    assert await scheduled_jobs.make_missing(noon) == 0
    assert (await told(noon, definition))[1:] == [("SCHEDULED", "2026-03-05 23:00")]


async def test_many_schedulers_begin_each_job_once(noon: Vault) -> None:
    definitions = await many(noon, 350)
    async with several(noon, 4) as vaults:
        moved = await asyncio.gather(*(step(vault, NIGHT) for vault in vaults))
    assert sum(moved) == 350
    assert await statuses(noon) == [("QUEUEING", 350), ("SCHEDULED", 350)]
    assert await scalar(noon, "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'run'") == 350
    assert await scalar(noon, "SELECT count(DISTINCT definition) FROM jobs WHERE status = 'SCHEDULED'") == len(
        definitions
    )


async def test_many_schedulers_make_each_missing_one_once(noon: Vault) -> None:
    await many(noon, 250, with_jobs=False)
    async with several(noon, 4) as vaults:
        made = await asyncio.gather(*(scheduled_jobs.make_missing(vault) for vault in vaults))
    assert sum(made) == 250
    assert await statuses(noon) == [("SCHEDULED", 250)]


async def test_schedulers_editors_and_admins_at_once_leave_exactly_one_scheduled_each(noon: Vault) -> None:
    ids = await many(noon, 30)

    async def edit(vault: Vault) -> None:
        for number in ids:
            await job_definitions.update(vault, number, Changes(parameters={"items": number}))

    async def start(vault: Vault) -> None:
        for number in ids:
            planned = (await job_definitions.retrieve(vault, number)).job
            if planned is not None:
                await asyncio.gather(
                    scheduled_jobs.start_now(vault, planned.id), jobs.cancel(vault, planned.id), return_exceptions=True
                )

    async with several(at(noon, NIGHT), 4) as (first, second, third, fourth):
        await asyncio.gather(edit(first), start(second), step(third, NIGHT), step(fourth, NIGHT))
    assert await scalar(noon, "SELECT count(*) FROM jobs WHERE status = 'SCHEDULED'") == 30
    assert await scalar(noon, "SELECT count(DISTINCT definition) FROM jobs WHERE status = 'SCHEDULED'") == 30


async def test_a_scheduler_that_dies_in_the_middle_leaves_all_as_it_was(noon: Vault, database_url: str) -> None:
    definition = await define(noon)
    async with noon.database.transaction() as connection:
        # The next job cannot be made: with that the one that was begun is SCHEDULED again.
        await connection.execute(text("ALTER TABLE jobs ADD CONSTRAINT no_more CHECK (schedule_date < '2026-03-05')"))
    with pytest.raises(Exception, match="no_more"):
        await step(noon, NIGHT)
    assert await told(noon, definition) == [("SCHEDULED", "2026-03-04 23:00")]
    assert await scalar(noon, "SELECT count(*) FROM pgqueuer") == 0
    async with noon.database.transaction() as connection:
        await connection.execute(text("ALTER TABLE jobs DROP CONSTRAINT no_more"))
    assert await step(noon, NIGHT) == 1


async def test_times_across_a_change_of_the_clocks(noon: Vault) -> None:
    definition = await define(
        noon, times={"schedule": "daily", "time": "02:30"}, timezone="Europe/Berlin", parameters={"items": 1}
    )
    (job,) = await jobs_of(noon, definition)
    assert job.run_start_date == clock("2026-03-05 01:30")
    system = at(noon, clock("2026-03-28 01:30"))
    await scheduled_jobs.begin_due(system)  # all of the days before are missed, as one
    await scheduled_jobs.begin_due(at(noon, clock("2026-03-28 01:31")))
    starts = [job.schedule_date for job in await jobs_of(noon, definition)]
    assert starts == [clock("2026-03-05 01:30"), clock("2026-03-29 01:30")]
    await scheduled_jobs.begin_due(at(noon, clock("2026-03-29 01:30")))
    assert (await jobs_of(noon, definition))[-1].schedule_date == clock("2026-03-30 00:30")


async def many(vault: Vault, count: int, *, with_jobs: bool = True) -> list[int]:
    """Definitions, with the jobs of the coming night."""
    values = {"title": "Many", "kind": "counting", "parameters": {}, "active": True, "owner": vault.user.id}
    values |= {"schedule": {"schedule": "daily", "time": "23:00"}}
    values |= {"created_by": 1, "created_date": NOON, "modified_by": 1, "modified_date": NOON}
    rows = [{"name": f"many_{number}__c", **values} for number in range(count)]
    async with vault.database.transaction() as connection:
        ids = list(await connection.scalars(insert(definitions_table).returning(definitions_table.c.id), rows))
    if with_jobs:
        assert await scheduled_jobs.make_missing(vault) == count
    return ids


@asynccontextmanager
async def several(vault: Vault, count: int) -> AsyncIterator[list[Vault]]:
    """The same Vault as other processes see it, each by connections of its own."""
    opened = [open_vault(vault.settings) for _ in range(count)]
    vaults = [(await each.__aenter__()).as_user(vault.user) for each in opened]
    try:
        yield [at(each, vault.clock.now()) for each in vaults]
    finally:
        for each in opened:
            await each.__aexit__(None, None, None)


async def statuses(vault: Vault) -> list[tuple[str, int]]:
    async with vault.database.reading() as connection:
        found = await connection.execute(text("SELECT status, count(*) FROM jobs GROUP BY 1 ORDER BY 1"))
        return [(status, count) for status, count in found]


async def scalar(vault: Vault, query: str) -> Any:
    async with vault.database.reading() as connection:
        return await connection.scalar(text(query))
