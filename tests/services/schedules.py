"""What the tests of schedules have in common: a stopped clock, a kind that can be scheduled, definitions of it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from strongroom.domain import schedule
from strongroom.domain.custom_job import RegisteredJob
from strongroom.domain.job import Job, JobFilter, JobStatus
from strongroom.domain.job_definition import JobDefinition, NewDefinition
from strongroom.domain.page import Window
from strongroom.services import job_definitions, job_metadata, jobs
from strongroom.store.clock import Clock
from strongroom.vault import Vault

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAILY = {"schedule": "daily", "time": "23:00"}
HOURLY = {"schedule": "hourly", "hourly_interval": 1, "time": "00:30"}


@dataclass(frozen=True)
class Stopped(Clock):
    """A clock that stands still."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment


def at(vault: Vault, moment: datetime) -> Vault:
    return replace(vault, clock=Stopped(moment=moment))


def clock(text: str) -> datetime:
    """A moment of UTC, such as 2026-03-04 12:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def register(vault: Vault, name: str = "counting", **values: Any) -> None:
    row = RegisteredJob(
        name=name,
        label="Counting",
        job_code="Counting",
        chunk_size=3,
        admin_configurable=True,
        idempotent=True,
        admin_cancellable=True,
        source=job_metadata.BUILT_IN,
        sha256="",
        registered=NOON,
    )
    await job_metadata.register(vault, [replace(row, **values)], {}, whole=False)


async def define(vault: Vault, name: str = "nightly__c", times: dict[str, Any] = DAILY, **values: Any) -> JobDefinition:
    """Make a definition of a kind that is registered."""
    given = {"title": "Nightly Count", "kind": "counting", "parameters": {"items": 2}, **values}
    return await job_definitions.create(vault, NewDefinition(name=name, schedule=schedule.read(times), **given))


async def jobs_of(vault: Vault, definition: JobDefinition) -> list[Job]:
    """All jobs of a definition, in the order in which they were made."""
    window = Window(200)
    ended = await jobs.histories(vault, JobFilter(tuple(status for status in JobStatus if status.is_terminal)), window)
    active = await jobs.monitors(vault, JobFilter(tuple(s for s in JobStatus if not s.is_terminal)), window)
    found = [job for job in (*ended.rows, *active.rows) if job.definition == definition.id]
    return sorted(found, key=lambda job: job.id)


async def told(vault: Vault, definition: JobDefinition) -> list[tuple[str, str]]:
    """The jobs of a definition in short: status and planned date."""
    return [(job.status.value, f"{job.schedule_date:%Y-%m-%d %H:%M}") for job in await jobs_of(vault, definition)]


async def log_of(vault: Vault, job: Job) -> str:
    return "\n".join(line.text for line in await jobs.log(vault, job.id))
