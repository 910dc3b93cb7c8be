"""Long histories: totals and pages by the counts of the hours are as by counting every row; a status is read as ever."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update

from strongroom.domain.job import ENDED, JobFilter, JobStatus
from strongroom.domain.page import Window
from strongroom.services import housekeeping, jobs
from strongroom.store import jobs as store
from strongroom.store.tables import job_hour_counts
from strongroom.store.tables import jobs as table
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
STATUSES = (JobStatus.SUCCESS, JobStatus.ERRORS_ENCOUNTERED, JobStatus.CANCELLED)
_rng = random.Random(7)
# Within three days, some of them in the same second and some at the very beginning of an hour.
MOMENTS = sorted(
    BEGIN + timedelta(seconds=_rng.choice((3600 * _rng.randrange(72), _rng.randrange(72 * 3600)))) for _ in range(400)
)


def row(moment: datetime, status: JobStatus) -> dict[str, object]:
    return {
        "kind": "counting",
        "title": "Counting",
        "status": status,
        "method": "POST",
        "input": {},
        "created_by": 1,
        "created_date": moment,
        "modified_by": 1,
        "modified_date": moment,
        "run_end_date": moment,
    }


@pytest.fixture
async def history(vault: Vault) -> Vault:
    rows = [row(moment, STATUSES[number % 3]) for number, moment in enumerate(MOMENTS)]
    async with vault.database.transaction() as connection:
        await connection.execute(insert(table), rows)
        # One that is changed and one that goes are counted as they are now.
        await connection.execute(update(table).where(table.c.id == 5).values(status=JobStatus.TIMEOUT))
        await connection.execute(delete(table).where(table.c.id == 9))
    return vault


async def by_hand(vault: Vault, wanted: JobFilter) -> list[int]:
    statement = select(table.c.id).where(table.c.status.in_(wanted.statuses))
    if wanted.start_date:
        statement = statement.where(table.c.run_end_date >= wanted.start_date)
    if wanted.end_date:
        statement = statement.where(table.c.run_end_date <= wanted.end_date)
    async with vault.database.reading() as connection:
        return list(await connection.scalars(statement.order_by(table.c.run_end_date.desc(), table.c.id.desc())))


@pytest.mark.parametrize("statuses", [ENDED, (JobStatus.CANCELLED,), (JobStatus.TIMEOUT,), (JobStatus.FAILED_TO_RUN,)])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (BEGIN + timedelta(hours=5, minutes=20), None),
        (None, BEGIN + timedelta(hours=50)),
        (BEGIN + timedelta(hours=7), BEGIN + timedelta(hours=41, minutes=1)),
        (BEGIN + timedelta(hours=7, minutes=3), BEGIN + timedelta(hours=7, minutes=48)),
        (BEGIN + timedelta(hours=7), BEGIN + timedelta(hours=8)),
        (BEGIN + timedelta(hours=9), BEGIN + timedelta(hours=3)),
        (MOMENTS[100], MOMENTS[300]),
        (MOMENTS[200].astimezone(tz=None), MOMENTS[200]),
    ],
)
async def test_every_page_has_its_rows_and_the_total_is_exact(
    history: Vault, statuses: tuple[JobStatus, ...], start: datetime | None, end: datetime | None
) -> None:
    wanted = JobFilter(statuses, start, end)
    expected = await by_hand(history, wanted)
    for limit, offset in ((50, 0), (7, 13), (200, 150), (50, 390), (50, 5000), (1, max(len(expected) - 1, 0))):
        page = await jobs.histories(history, wanted, Window(limit, offset))
        assert page.total == len(expected)
        assert [job.id for job in page.rows] == expected[offset : offset + limit]


async def backends(vault: Vault) -> list[int]:
    async with vault.database.reading() as connection:
        return list(await connection.scalars(select(job_hour_counts.c.backend).order_by(job_hour_counts.c.hour)))


async def test_counts_of_connections_that_are_gone_are_added_up(vault: Vault) -> None:
    async with vault.database.transaction() as connection:
        await connection.execute(insert(table), [row(datetime.now(UTC), JobStatus.SUCCESS)])
        await connection.execute(update(job_hour_counts).values(backend=-job_hour_counts.c.backend))
    await housekeeping.tidy(vault)
    assert await backends(vault) == [0]
    assert (await jobs.histories(vault, JobFilter(ENDED), Window())).total == 1


async def test_counts_of_hours_that_are_over_are_added_up_though_their_connection_lives(vault: Vault) -> None:
    now = datetime.now(UTC)
    async with vault.database.transaction() as connection:
        await connection.execute(insert(table), [row(now - timedelta(hours=4), JobStatus.SUCCESS)])
        await connection.execute(insert(table), [row(now + timedelta(hours=1), JobStatus.SUCCESS)])
    await housekeeping.tidy(vault)
    over, running = await backends(vault)
    assert over == 0
    assert running > 0
    assert (await jobs.histories(vault, JobFilter(ENDED), Window())).total == 2


async def test_a_count_that_is_being_changed_is_added_up_the_next_time(vault: Vault) -> None:
    moment = datetime.now(UTC) - timedelta(hours=4)
    async with vault.database.engine.connect() as connection:
        await connection.execute(insert(table), [row(moment, JobStatus.SUCCESS)])
        await connection.commit()
        await connection.execute(insert(table), [row(moment, JobStatus.SUCCESS)])
        await housekeeping.tidy(vault)
        assert await backends(vault) != [0]
        await connection.commit()
    await housekeeping.tidy(vault)
    assert await backends(vault) == [0]
    assert (await jobs.histories(vault, JobFilter(ENDED), Window())).total == 2


async def test_what_is_rolled_back_is_not_counted(history: Vault) -> None:
    async with history.database.engine.connect() as connection:
        await connection.execute(insert(table), [row(BEGIN, JobStatus.SUCCESS)])
        assert await connection.scalar(text("SELECT sum(jobs) FROM job_hour_counts")) == 400
        await connection.rollback()
    assert (await jobs.histories(history, JobFilter(ENDED), Window())).total == 399


async def test_a_read_of_one_job_is_not_planned_anew_in_a_long_history(vault: Vault) -> None:
    moments = [BEGIN + timedelta(seconds=number) for number in range(10_000)]
    async with vault.database.transaction() as connection:
        await connection.execute(insert(table), [row(moment, JobStatus.SUCCESS) for moment in moments])
        await connection.execute(text("ANALYZE jobs"))
    async with vault.database.reading() as connection:
        for job_id in range(1, 21):
            found = await store.retrieve_many(connection, [job_id])
            assert [job.id for job in found if job] == [job_id]
        planned_once = await connection.scalars(
            text("SELECT generic_plans > custom_plans FROM pg_prepared_statements WHERE statement LIKE :read"),
            {"read": "% FROM jobs WHERE id %"},
        )
        assert planned_once.all() == [True]
