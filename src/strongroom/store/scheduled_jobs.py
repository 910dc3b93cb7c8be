"""Jobs that wait for their planned time: found when it has come, begun, or ended without a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update

from strongroom.domain.job import Job, JobStatus, JobTraits, sources_of
from strongroom.domain.job_definition import JobDefinition
from strongroom.store import job_definitions
from strongroom.store.database import Connection, driver
from strongroom.store.jobs import SHOWN, read, retrieve_many
from strongroom.store.tables import job_definitions as definitions
from strongroom.store.tables import jobs

# Jobs whose definition still has a run are left out until they are late: there may be many, and each look costs.
_DUE = """
    SELECT jobs.id, jobs.definition FROM jobs JOIN job_definitions ON job_definitions.id = jobs.definition
    WHERE jobs.status = 'SCHEDULED' AND jobs.schedule_date <= $1 AND (jobs.schedule_date, jobs.id) > ($3, $4)
        AND (
            jobs.schedule_date < $2 OR NOT EXISTS (
                SELECT FROM jobs AS run
                WHERE run.definition = jobs.definition AND run.status IN ('QUEUEING', 'QUEUED', 'RUNNING')
            )
        )
    ORDER BY jobs.schedule_date, jobs.id LIMIT $5
    FOR NO KEY UPDATE OF jobs, job_definitions SKIP LOCKED
"""

_BEGIN = """
    UPDATE jobs SET
        status = begun.status, deadline = begun.deadline, sdk = begun.sdk, whole = begun.whole, queue = begun.queue,
        cancellable = begun.cancellable, idempotent = begun.idempotent, visible = begun.visible,
        code_sha256 = begun.code_sha256, modified_by = $1, modified_date = $2, touched = now()
    FROM unnest(
        $3::integer[], $4::text[], $5::timestamptz[], $6::boolean[], $7::boolean[], $8::text[], $9::boolean[],
        $10::boolean[], $11::boolean[], $12::text[]
    ) AS begun (id, status, deadline, sdk, whole, queue, cancellable, idempotent, visible, code_sha256)
    WHERE jobs.id = begun.id AND jobs.status = 'SCHEDULED'
"""

_LAST_PLANNED = """
    SELECT id, (SELECT schedule_date FROM jobs WHERE definition = asked.id ORDER BY jobs.id DESC LIMIT 1) AS planned
    FROM unnest($1::integer[]) AS asked (id)
"""


@dataclass(frozen=True)
class Place:
    """How far the due jobs have been gone through, in the order of their planned dates."""

    date: datetime = datetime(1, 1, 2, tzinfo=UTC)
    job_id: int = 0


@dataclass(frozen=True)
class Due:
    """A SCHEDULED job whose time has come, and its definition; both are locked."""

    job: Job
    definition: JobDefinition

    @property
    def planned(self) -> datetime:
        """When it was to start."""
        assert self.job.schedule_date is not None
        return self.job.schedule_date


@dataclass(frozen=True)
class Beginning:
    """A job that is begun now: what its kind is like at this moment, and when its time will be over."""

    job_id: int
    traits: JobTraits
    deadline: datetime


async def hold_due(connection: Connection, now: datetime, late: datetime, after: Place, most: int) -> list[Due]:
    """Lock jobs whose time has come, after that place; those that somebody else has locked are passed over.

    Those planned before ``late`` come even if an earlier run of their definition is still active.
    """
    found = await (await driver(connection)).fetch(_DUE, now, late, after.date, after.job_id, most)
    if not found:
        return []
    held = await connection.execute(
        select(definitions).where(definitions.c.id.in_({row["definition"] for row in found}))
    )
    by_id = {row["id"]: job_definitions.read(row) for row in held.mappings()}
    locked = await retrieve_many(connection, [row["id"] for row in found])
    return [Due(job, by_id[job.definition]) for job in locked if job is not None and job.definition is not None]


async def begin(connection: Connection, beginnings: Sequence[Beginning], user_id: int, now: datetime) -> None:
    """Move SCHEDULED jobs to what jobs of their kind begin with."""
    columns: list[list[Any]] = [
        [each.job_id for each in beginnings],
        [each.traits.first_status for each in beginnings],
        [each.deadline for each in beginnings],
        [each.traits.sdk for each in beginnings],
        [each.traits.whole for each in beginnings],
        [each.traits.queue for each in beginnings],
        [each.traits.cancellable for each in beginnings],
        [each.traits.idempotent for each in beginnings],
        [each.traits.visible for each in beginnings],
        [each.traits.code_sha256 for each in beginnings],
    ]
    await (await driver(connection)).execute(_BEGIN, user_id, now, *columns)


async def end(
    connection: Connection, job_ids: Sequence[int], target: JobStatus, user_id: int, now: datetime
) -> list[Job]:
    """End SCHEDULED jobs without a run; gives those that were."""
    assert JobStatus.SCHEDULED in sources_of(target)
    values = {"status": target, "run_end_date": now, "modified_by": user_id, "modified_date": now}
    ended = update(jobs).where(jobs.c.id.in_(job_ids), jobs.c.status == JobStatus.SCHEDULED)
    rows = await connection.execute(ended.values(touched=func.now(), **values).returning(*SHOWN))
    return [read(row) for row in rows.mappings()]


async def scheduled_of(connection: Connection, definition_ids: Sequence[int]) -> dict[int, Job]:
    """The SCHEDULED jobs of these definitions, by the definition's id."""
    wanted = select(*SHOWN).where(jobs.c.definition.in_(definition_ids), jobs.c.status == JobStatus.SCHEDULED)
    return {row["definition"]: read(row) for row in (await connection.execute(wanted)).mappings()}


async def active_run_of(connection: Connection, definition_id: int) -> Job | None:
    """A run of this definition that has begun and not ended."""
    going_on = (JobStatus.QUEUEING, JobStatus.QUEUED, JobStatus.RUNNING)
    wanted = select(*SHOWN).where(jobs.c.definition == definition_id, jobs.c.status.in_(going_on)).limit(1)
    row = (await connection.execute(wanted)).mappings().one_or_none()
    return None if row is None else read(row)


async def last_planned(connection: Connection, definition_ids: Sequence[int]) -> dict[int, datetime]:
    """When the latest job of each of these definitions was planned; one that never had a job is left out."""
    rows = await (await driver(connection)).fetch(_LAST_PLANNED, definition_ids)
    return {row["id"]: row["planned"] for row in rows if row["planned"] is not None}
