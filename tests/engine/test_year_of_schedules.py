"""A year of schedules in three time zones: every job in its order, begun on time by two schedulers, run, and followed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from tests.domain.minute_walk import due, walk
from tests.engine.conftest import KINDS
from tests.engine.post import Post
from tests.services.schedules import define, register

from strongroom.domain.job import Job, JobFilter, JobStatus
from strongroom.domain.job_definition import JobDefinition
from strongroom.domain.page import Window
from strongroom.engine.execution import Execution
from strongroom.services import job_definitions, jobs, scheduled_jobs
from strongroom.services.job_definitions import Changes
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
# Of the hourly one a week, in which New York's clocks are put back: all 8,760 runs would take minutes.
WEEK = datetime(2026, 10, 29, 12, 10, tzinfo=UTC), datetime(2026, 11, 5, 12, 10, tzinfo=UTC)
DAILY = {"schedule": "daily", "time": "02:30"}
HOURLY = {"schedule": "hourly", "time": "00:45", "hourly_interval": 1}
MONTHLY = {"schedule": "monthly", "time": "02:15", "month_repeat_type": "dayOfTheMonth", "day_of_month": 31}
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


@dataclass(frozen=True)
class Wound(Clock):
    """A clock that is wound on by hand; the last of its ``hands`` is the time."""

    hands: list[datetime] = field(default_factory=lambda: [BEGIN])

    def now(self) -> datetime:
        return self.hands[-1]


@dataclass
class Year:
    """A Vault whose clock is wound on from one planned start to the next."""

    admin: Vault
    system: Vault
    clock: Wound
    post: Post

    async def until(self, end: datetime, active: int) -> None:
        """Let every job that is planned before ``end`` run, each at its time; so many definitions are active."""
        scheduled = await self.scheduled(active)
        while (now := min(planned(job) for job in scheduled)) < end:
            self.clock.hands.append(now)
            begun = await asyncio.gather(*(scheduled_jobs.begin_due(self.system) for _ in range(2)))
            assert sum(begun) == sum(planned(job) == now for job in scheduled)
            scheduled = await self.scheduled(active)
            await self.post.until_quiet()
        self.clock.hands.append(end)
        assert await scheduled_jobs.begin_due(self.system) == 0

    async def scheduled(self, active: int) -> list[Job]:
        """The SCHEDULED jobs: one for each active definition, and nothing is missing."""
        found = await jobs.monitors(self.admin, JobFilter((JobStatus.SCHEDULED,)), Window(200))
        assert found.total == len({job.definition for job in found.rows}) == active
        return list(found.rows)

    async def ended(self) -> list[Job]:
        """All jobs that have ended, in the order in which they were made."""
        found, wanted = list[Job](), JobFilter(tuple(status for status in JobStatus if status.is_terminal))
        while page := (await jobs.histories(self.admin, wanted, Window(200, len(found)))).rows:
            found += page
        return sorted(found, key=lambda job: job.id)


def planned(job: Job) -> datetime:
    assert job.schedule_date is not None
    return job.schedule_date


def expected(times: dict[str, Any], zone: str, start: datetime, end: datetime) -> list[datetime]:
    return due(times, walk(ZoneInfo(zone), start, end))


@pytest.fixture
async def year(vault: Vault, system_vault: Vault, database_url: str) -> AsyncIterator[Year]:
    clock = Wound()
    admin, system = (replace(each, clock=clock) for each in (vault, system_vault))
    # Those that every Vault has would run, too.
    for each in (await job_definitions.list_definitions(admin, Window(200))).rows:
        await job_definitions.update(admin, each.definition.id, Changes(active=False))
    await register(system)
    connection = await asyncpg.connect(database_url)
    yield Year(admin, system, clock, Post(system, connection, [Execution(system, KINDS, slots=1)]))
    await connection.close()


async def test_every_planned_job_of_a_year_runs_once_on_time(year: Year) -> None:
    async def made(name: str, times: dict[str, Any], zone: str, *, active: bool = True) -> JobDefinition:
        return await define(year.admin, name, times, parameters={"items": 0}, timezone=zone, active=active)

    daily, monthly = await made("daily__c", DAILY, BERLIN), await made("monthly__c", MONTHLY, LORD_HOWE)
    hourly = await made("hourly__c", HOURLY, NEW_YORK, active=False)
    await year.until(WEEK[0], active=2)
    await job_definitions.update(year.admin, hourly.id, Changes(active=True))
    await year.until(WEEK[1], active=3)
    await job_definitions.update(year.admin, hourly.id, Changes(active=False))
    await year.until(END, active=2)

    assert await scheduled_jobs.make_missing(year.system) == 0
    ended = [job for job in await year.ended() if job.definition in {daily.id, hourly.id, monthly.id}]
    (unused,) = [job for job in ended if job.status is JobStatus.CANCELLED]
    assert (unused.definition, planned(unused)) == (hourly.id, WEEK[1].replace(minute=45))
    ran = [job for job in ended if job is not unused]
    assert {job.status for job in ran} == {JobStatus.SUCCESS}
    assert [job.id for job in ran if job.run_start_date != planned(job)] == []
    for definition, times, zone, count in ((daily, DAILY, BERLIN, 365), (monthly, MONTHLY, LORD_HOWE, 12)):
        found = [planned(job) for job in ran if job.definition == definition.id]
        assert found == expected(times, zone, BEGIN, END)
        assert len(found) == count
    found = [planned(job) for job in ran if job.definition == hourly.id]
    assert found == expected(HOURLY, NEW_YORK, *WEEK)
    assert len(found) == 7 * 24
