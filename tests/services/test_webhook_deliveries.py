"""Deliveries of one job to one webhook, of which only the first may go: none stays behind for long, whatever happens."""

import asyncio
from pathlib import Path

import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.services.locks import somebody_waits_for_a_lock

from strongroom.config import Settings
from strongroom.domain.page import Window
from strongroom.domain.webhook import Claimed, Delivery, DeliveryState, NewWebhook, Outcome
from strongroom.services import jobs, webhook_deliveries, webhooks
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

WELL, BADLY = Outcome(200), Outcome(500, "the answer was HTTP 500")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, limits="off", webhook_private=True)


@pytest.fixture
async def webhook(vault: Vault) -> int:
    return (await webhooks.create(vault, NewWebhook("http://127.0.0.1:9/", "a-secret-between-two"))).id


@pytest.fixture
async def first(vault: Vault, webhook: int) -> Claimed:
    """The delivery of a job's first status, on its way."""
    await jobs.start(vault, Counting(), CountingInput())
    (claimed,) = await claim(vault)
    return claimed


async def claim(vault: Vault) -> list[Claimed]:
    return await webhook_deliveries.claim(vault, {}, 4, 20)


async def listed(vault: Vault, webhook: int) -> list[Delivery]:
    """The deliveries of a webhook, oldest first."""
    return [*(await webhooks.deliveries(vault, webhook, Window(200))).rows][::-1]


async def test_what_comes_behind_one_is_due_with_it(vault: Vault, webhook: int, first: Claimed) -> None:
    """By its date it is known, without a look at the one before, that it need not be looked at."""
    await jobs.cancel(vault, first.job_id)
    before, behind = await listed(vault, webhook)
    assert before.due == behind.due
    assert await webhook_deliveries.close(vault, first, BADLY) is DeliveryState.WAITING
    tried, still_behind = await listed(vault, webhook)
    assert tried.due == still_behind.due != before.due
    assert await claim(vault) == []


async def test_it_goes_once_that_one_has_ended(vault: Vault, first: Claimed) -> None:
    await jobs.cancel(vault, first.job_id)
    assert await claim(vault) == []
    assert await webhook_deliveries.close(vault, first, WELL) is DeliveryState.DELIVERED
    assert [each.status for each in await claim(vault)] == ["CANCELLED"]


async def test_who_closes_one_waits_for_a_move_that_adds_to_it(vault: Vault, first: Claimed) -> None:
    async with vault.database.transaction() as connection:
        await jobs.cancel(vault.bound(connection), first.job_id)
        closing = asyncio.create_task(webhook_deliveries.close(vault, first, WELL))
        await somebody_waits_for_a_lock(vault)
    assert await closing is DeliveryState.DELIVERED
    assert [each.status for each in await claim(vault)] == ["CANCELLED"]


async def test_a_move_waits_for_nobody_who_closes_a_delivery(vault: Vault, first: Claimed) -> None:
    async with vault.database.transaction() as connection:
        await webhook_deliveries.close(vault.bound(connection), first, WELL)
        async with asyncio.timeout(60):
            await jobs.cancel(vault, first.job_id)
    assert [each.status for each in await claim(vault)] == ["CANCELLED"]
