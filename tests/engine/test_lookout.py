"""The one look of a worker: it sees all that there is to do, and tells it to all who wait for that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.services.schedules import HOURLY, NOON, at, clock, define, register

from strongroom.config import Settings
from strongroom.domain.job import ONE_TIME_LIMIT
from strongroom.domain.webhook import NewWebhook
from strongroom.engine.lookout import Lookout
from strongroom.services import job_ends, jobs, outlook, scheduled_jobs, webhook_deliveries, webhooks
from strongroom.store.clock import Clock
from strongroom.store.outlook import Outlook
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

NOTHING = Outlook(lacking=False, due=False, following=None, overdue=False, untold=False)
PATIENCE = 60.0


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, limits="off", webhook_private=True)


@pytest.fixture
async def noon(vault: Vault) -> Vault:
    """The Vault at noon of a day in March, with a kind that can be scheduled."""
    await register(vault)
    return at(vault, NOON)


@asynccontextmanager
async def looking(vault: Vault) -> AsyncIterator[Lookout]:
    stop, lookout = asyncio.Event(), Lookout()
    async with asyncio.TaskGroup() as group:
        group.create_task(lookout.run(vault, stop))
        try:
            yield lookout
        finally:
            stop.set()


async def execute(vault: Vault, statement: str) -> None:
    async with vault.database.transaction() as connection:
        await connection.execute(text(statement))


async def test_an_empty_vault_has_nothing_to_do(noon: Vault) -> None:
    found = await outlook.look(noon)
    assert found == NOTHING
    assert outlook.seconds_to_next(noon, found) is None


async def test_it_sees_what_is_planned_and_when_its_time_has_come(noon: Vault) -> None:
    await define(noon)
    hourly = await define(noon, "hourly__c", times=HOURLY)
    found = await outlook.look(noon)
    assert found == replace(NOTHING, following=clock("2026-03-04 12:30"))
    assert outlook.seconds_to_next(noon, found) == 1800
    later = at(noon, clock("2026-03-04 12:30"))
    assert outlook.seconds_to_next(at(noon, clock("2026-03-04 12:31")), found) == 0
    assert await outlook.look(later) == replace(NOTHING, due=True, following=clock("2026-03-04 23:00"))
    assert await scheduled_jobs.begin_due(later) == 1
    assert await outlook.look(later) == replace(NOTHING, following=clock("2026-03-04 13:30"))
    await execute(noon, f"DELETE FROM jobs WHERE definition = {hourly.id}")
    assert (await outlook.look(later)).lacking
    await execute(noon, f"UPDATE job_definitions SET active = false WHERE id = {hourly.id}")
    assert not (await outlook.look(later)).lacking


async def test_it_sees_deadlines_that_have_passed(system_vault: Vault, vault: Vault) -> None:
    later = replace(system_vault, clock=Clock(ONE_TIME_LIMIT + timedelta(seconds=5)))
    await jobs.start(vault, Counting(), CountingInput())
    assert await outlook.look(system_vault) == NOTHING
    assert await outlook.look(later) == replace(NOTHING, overdue=True)
    assert await job_ends.end_overdue(later) == 1
    assert await outlook.look(later) == NOTHING


async def test_it_sees_that_a_webhook_is_to_be_told_of_something(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NewWebhook("http://127.0.0.1:9/hook", "a-secret-between-two"))
    assert await outlook.look(vault) == NOTHING
    await jobs.start(vault, Counting(), CountingInput())
    assert len(await webhook_deliveries.claim(vault, {}, 4, 20)) == 1
    assert await outlook.look(vault) == replace(NOTHING, untold=True), "it is sent again if its sender dies"
    await webhooks.delete(vault, webhook.id)
    assert await outlook.look(vault) == NOTHING


async def test_all_who_wait_are_told_until_it_is_over(vault: Vault) -> None:
    async with asyncio.timeout(PATIENCE):
        async with looking(vault) as lookout:
            assert await asyncio.gather(*(lookout.next() for _ in range(3))) == [NOTHING] * 3
            given_up = asyncio.create_task(lookout.next())
            await asyncio.sleep(0)
            given_up.cancel()
            assert await lookout.next() == NOTHING
            last = asyncio.create_task(_last(lookout))
        assert lookout.over
        assert await last is None
        assert await lookout.next() is None


async def test_a_look_that_fails_is_followed_by_another_one(vault: Vault) -> None:
    async with asyncio.timeout(PATIENCE), looking(vault) as lookout:
        assert await lookout.next() == NOTHING
        with capture_logs() as logs:
            await execute(vault, "ALTER TABLE webhook_deliveries RENAME TO elsewhere")
            while True:
                if "look_failed" in [each["event"] for each in logs]:
                    break
                await asyncio.sleep(0.02)
        await execute(vault, "ALTER TABLE elsewhere RENAME TO webhook_deliveries")
        assert await lookout.next() == NOTHING


async def _last(lookout: Lookout) -> Outlook | None:
    while (found := await lookout.next()) is not None:
        pass
    return found
