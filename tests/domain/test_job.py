"""The table of legal moves, and that the guarded statement makes no other."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from strongroom.domain.job import ACTIVE, ENDED, MOVES, JobStatus, JobTraits, sources_of
from strongroom.services import jobs
from strongroom.store import jobs as rows
from strongroom.store.tables import jobs as table
from strongroom.vault import Vault

PAIRS = {(move.source, move.target) for move in MOVES}


def test_each_move_is_told_once_and_has_a_cause() -> None:
    assert len(PAIRS) == len(MOVES)
    assert [move for move in MOVES if not move.cause.strip() or "|" in move.cause] == []


def test_what_has_ended_does_not_move_and_what_is_active_can_end() -> None:
    assert {*ACTIVE, *ENDED} == set(JobStatus)
    assert set(ACTIVE) == {JobStatus.SCHEDULED, JobStatus.QUEUEING, JobStatus.QUEUED, JobStatus.RUNNING}
    assert [pair for pair in PAIRS if pair[0].is_terminal] == []
    for status in ACTIVE:
        assert any(source is status and target.is_terminal for source, target in PAIRS)


def test_every_status_can_be_reached() -> None:
    reached = {JobStatus.SCHEDULED}
    while more := {target for source, target in PAIRS if source in reached} - reached:
        reached |= more
    assert reached == set(JobStatus)


def test_what_the_statements_compare_with_is_the_table() -> None:
    assert {(source, target) for target in JobStatus for source in sources_of(target)} == PAIRS


@pytest.mark.anyio
@pytest.mark.parametrize("source", JobStatus)
async def test_the_guarded_statement_makes_legal_moves_only(vault: Vault, source: JobStatus) -> None:
    now = datetime(2026, 3, 4, tzinfo=UTC)
    job_id = (await jobs.begin(vault, JobTraits("counting", "Counting"), {}, "POST")).id
    for target in JobStatus:
        async with vault.database.transaction() as connection:
            put = {"status": source, "run_end_date": None}
            await connection.execute(update(table).where(table.c.id == job_id).values(put))
            (before,) = await rows.retrieve_many(connection, [job_id])
            moved = await rows.move(connection, job_id, target, {"run_end_date": now})
            (after,) = await rows.retrieve_many(connection, [job_id])
        assert after is not None
        if (source, target) in PAIRS:
            assert (moved, after.status, after.run_end_date) == (after, target, now)
        else:
            assert (moved, after) == (None, before)
