"""Long histories: totals and pages by the counts of the hours are the same as by counting every row."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update

from strongroom.domain.job import ENDED, JobFilter, JobStatus
from strongroom.domain.page import Window
from strongroom.services import housekeeping, jobs
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


async def test_counts_of_connections_that_are_gone_are_added_up(history: Vault) -> None:
    async with history.database.transaction() as connection:
        await connection.execute(update(job_hour_counts).values(backend=-job_hour_counts.c.backend))
    await housekeeping.tidy(history)
    async with history.database.reading() as connection:
        assert set(await connection.scalars(select(job_hour_counts.c.backend))) == {0}
    assert (await jobs.histories(history, JobFilter(ENDED), Window())).total == 399


async def test_what_is_rolled_back_is_not_counted(history: Vault) -> None:
    async with history.database.engine.connect() as connection:
        await connection.execute(insert(table), [row(BEGIN, JobStatus.SUCCESS)])
        assert await connection.scalar(text("SELECT sum(jobs) FROM job_hour_counts")) == 400
        await connection.rollback()
    assert (await jobs.histories(history, JobFilter(ENDED), Window())).total == 399
