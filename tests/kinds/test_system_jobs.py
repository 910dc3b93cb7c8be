"""The jobs that every Vault has by itself: there from the first start on, seen like all others, and they do their work."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from tests.engine.conftest import ended
from tests.services.documents import bytes_of, content_of, document
from tests.services.hours import pass_hours
from tests.services.schedules import log_of

from strongroom import kinds
from strongroom.config import Settings
from strongroom.domain.errors import InvalidData, InvalidSessionId
from strongroom.domain.job import ENDED, Job, JobFilter, JobStatus, TaskState
from strongroom.domain.page import Window
from strongroom.domain.staging import Extract
from strongroom.domain.user import SYSTEM
from strongroom.main.preparation import prepare
from strongroom.main.vault import open_vault
from strongroom.sdk import load
from strongroom.services import documents, file_staging, job_definitions, jobs, scheduled_jobs, sessions, system_jobs
from strongroom.services.job_definitions import Changes
from strongroom.store.clock import Clock
from strongroom.store.tables import job_log, job_tasks
from strongroom.store.tables import jobs as table
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

OWN = ["content_sweep__v", "history_pruning__v", "session_cleanup__v", "staging_retention__v"]
HOURLY = ["Clean up expired sessions", "File Staging Retention", "Remove unused file content"]
ADMIN, PASSWORD = "admin@localhost", "a password for tests"


@pytest.fixture
async def furnished(system_vault: Vault, vault: Vault) -> Vault:
    """The admin's Vault, with its own jobs."""
    await system_jobs.prepare(system_vault, load(kinds))
    return vault


async def run(vault: Vault, name: str) -> Job:
    """Run the next job of a definition now."""
    definition = await job_definitions.find(vault, name)
    assert definition is not None
    planned = (await job_definitions.retrieve(vault, definition.id)).job
    assert planned is not None
    await scheduled_jobs.start_now(vault, planned.id)
    return await ended(vault, planned.id)


async def test_a_new_vault_has_its_own_jobs_and_a_second_start_changes_nothing(
    empty_database_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=empty_database_url, admin_password="a password")
    for _ in range(2):
        await prepare(settings)
        async with open_vault(settings) as vault:
            found = (await job_definitions.list_definitions(vault, Window())).rows
            assert [each.definition.name for each in found] == OWN
            assert {(d.definition.owner, d.definition.system, d.definition.version) for d in found} == {(1, True, 1)}
            assert [each.definition.name for each in found if each.job is None] == ["history_pruning__v"]
            listed = await jobs.monitors(vault, JobFilter((JobStatus.SCHEDULED,)), Window())
            assert sorted(job.title for job in listed.rows) == HOURLY
            assert {job.created_by for job in listed.rows} == {SYSTEM.id}


async def test_the_history_is_pruned_if_the_settings_say_so_and_an_admin_has_the_last_word(
    system_vault: Vault, furnished: Vault
) -> None:
    async def start(days: float | None) -> tuple[bool, dict[str, object]]:
        settings = system_vault.settings.model_copy(update={"history_days": days})
        await system_jobs.prepare(replace(system_vault, settings=settings), load(kinds))
        definition = await job_definitions.find(furnished, "history_pruning__v")
        assert definition is not None
        assert ((await job_definitions.retrieve(furnished, definition.id)).job is not None) == definition.active
        return definition.active, definition.parameters

    assert await start(None) == (False, {})
    assert await start(30) == (True, {"days": 30})
    assert await start(None) == (False, {})
    definition = await job_definitions.find(furnished, "history_pruning__v")
    assert definition is not None
    await job_definitions.update(furnished, definition.id, Changes(parameters={"days": 7.5}, active=True))
    assert await start(30) == (True, {"days": 7.5})


async def test_expired_sessions_are_deleted(furnished: Vault, running_worker: None) -> None:
    long_ago = replace(furnished, clock=Clock(-timedelta(days=3)))
    old = await sessions.authenticate(long_ago, ADMIN, PASSWORD)
    young = await sessions.authenticate(furnished, ADMIN, PASSWORD)
    job = await run(furnished, "session_cleanup__v")
    assert job.status is JobStatus.SUCCESS
    assert "Expired sessions deleted: 1" in await log_of(furnished, job)
    with pytest.raises(InvalidSessionId):
        await sessions.resolve(long_ago, old.token)
    assert (await sessions.resolve(furnished, young.token)).name == ADMIN


async def test_extracted_files_leave_file_staging_when_their_time_is_over(
    furnished: Vault, running_worker: None
) -> None:
    content = await content_of(furnished, b"x")
    await file_staging.create_file(furnished, "/u1/own.txt", content)
    for number, hours in ((1, -1), (2, 1)):
        extract = Extract(f"/u1/7/{number}/0_1/f.txt", content.id, 1)
        expires = furnished.clock.now() + timedelta(hours=hours)
        await file_staging.add_extracts(furnished, [extract], expires_date=expires)
    job = await run(furnished, "staging_retention__v")
    assert "Extracted files deleted: 1" in await log_of(furnished, job)
    left = (await file_staging.list_items(furnished, "/", recursive=True)).items
    assert [item.path for item in left if item.kind == "file"] == ["/u1/7/2/0_1/f.txt", "/u1/own.txt"]


async def test_unused_bytes_are_swept_a_day_for_each_step(furnished: Vault, running_worker: None) -> None:
    kept = await document(furnished, "Kept", b"kept bytes")
    await documents.delete(furnished, await document(furnished, "Deleted", bytes(range(256)) * 10))
    for removed in (0, 0, 1):
        job = await run(furnished, "content_sweep__v")
        assert job.status is JobStatus.SUCCESS
        assert f"Blobs whose bytes were deleted: {removed}; found without a row: 0" in await log_of(furnished, job)
        await pass_hours(furnished, 25)
    assert await bytes_of(furnished, (await documents.source(furnished, kept)).content_id) == b"kept bytes"


async def test_pruning_deletes_old_jobs_with_tasks_and_logs_and_leaves_young_and_active_ones(
    furnished: Vault, running_worker: None
) -> None:
    old, young = await history(furnished, 120, days=40), await history(furnished, 3, days=20)
    content = await content_of(furnished, b"x")
    await file_staging.create_file(furnished, f"/u1/{old[0]}/report.csv", content)
    pruning = await job_definitions.find(furnished, "history_pruning__v")
    assert pruning is not None
    await job_definitions.update(furnished, pruning.id, Changes(parameters={"days": 30}, active=True))
    job = await run(furnished, "history_pruning__v")
    assert "Jobs deleted: 120" in await log_of(furnished, job)
    left = await jobs.histories(furnished, JobFilter(ENDED), Window())
    # The counts of the hours know it, too.
    assert (sorted(each.id for each in left.rows), left.total) == ([*young, job.id], 4)
    async with furnished.database.reading() as connection:
        assert await connection.scalar(text(f"SELECT count(*) FROM job_tasks WHERE job_id <> {job.id}")) == 3
        assert await connection.scalar(text(f"SELECT count(*) FROM job_log WHERE job_id <> {job.id}")) == 3
    with pytest.raises(InvalidData, match=rf"There is no job \[{old[0]}\]"):
        await jobs.retrieve(furnished, old[0])
    assert (await file_staging.open_file(furnished, f"/u1/{old[0]}/report.csv")).size == 1
    active = await jobs.monitors(furnished, JobFilter((JobStatus.SCHEDULED,)), Window())
    assert active.total == 4


async def test_a_definition_without_days_does_not_run(furnished: Vault, running_worker: None) -> None:
    pruning = await job_definitions.find(furnished, "history_pruning__v")
    assert pruning is not None
    await job_definitions.update(furnished, pruning.id, Changes(active=True))
    job = await run(furnished, "history_pruning__v")
    assert job.status is JobStatus.FAILED_TO_RUN
    assert "missing required field `days`" in await log_of(furnished, job)


async def history(vault: Vault, count: int, *, days: float) -> list[int]:
    """Jobs that ended so many days ago, each with a task and a line of its log."""
    date = vault.clock.now() - timedelta(days=days)
    row = {"kind": "counting", "title": "Counting", "status": JobStatus.SUCCESS, "input": {}, "run_end_date": date}
    row |= {"created_by": 1, "created_date": date, "modified_by": 1, "modified_date": date}
    async with vault.database.transaction() as connection:
        ids = list(await connection.scalars(insert(table).returning(table.c.id), [row] * count))
        tasks = [{"job_id": number, "number": 1, "state": TaskState.SUCCESS, "items": []} for number in ids]
        await connection.execute(insert(job_tasks), tasks)
        await connection.execute(insert(job_log), [{"job_id": number, "time": date, "text": "x"} for number in ids])
    return sorted(ids)
