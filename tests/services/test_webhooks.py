"""Webhooks: who may have them, which are told of what, and what is kept of that."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.services.locks import somebody_waits_for_a_lock
from tests.services.schedules import define, jobs_of, register

from strongroom.config import Settings
from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job import JobStatus, JobTraits
from strongroom.domain.page import Window
from strongroom.domain.webhook import DeliveryState, NewWebhook
from strongroom.services import job_runs, jobs, scheduled_jobs, users, webhook_deliveries, webhooks
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

SECRET = "a-secret-between-two"
NEW = NewWebhook("http://127.0.0.1:9/hook", SECRET)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, limits="off", webhook_private=True)


@pytest.fixture
async def nora(vault: Vault) -> Vault:
    """The Vault as somebody sees it who is no admin."""
    user_id = await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example"))
    return vault.as_user(await users.retrieve(vault, user_id))


async def started(vault: Vault, webhook: NewWebhook | None = None) -> int:
    return (await jobs.start(replace(vault, webhook=webhook), Counting(), CountingInput())).id


async def told(vault: Vault, webhook: int) -> list[tuple[int, str, str]]:
    """Job, status and state of the deliveries of a webhook, oldest first."""
    page = await webhooks.deliveries(vault, webhook, Window(200))
    return [(each.job_id, each.status.value, each.state.value) for each in page.rows][::-1]


async def counted(vault: Vault, table: str) -> int:
    async with vault.database.reading() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_one_for_all_jobs_is_told_of_each_status(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    job = await started(vault)
    await jobs.cancel(vault, job)
    assert await told(vault, webhook.id) == [(job, "QUEUEING", "WAITING"), (job, "CANCELLED", "WAITING")]


async def test_one_that_wants_certain_statuses_is_told_of_those(vault: Vault) -> None:
    ends = await webhooks.create(vault, replace(NEW, statuses=(JobStatus.SUCCESS, JobStatus.CANCELLED)))
    job = await started(vault)
    await jobs.cancel(vault, job)
    assert await told(vault, ends.id) == [(job, "CANCELLED", "WAITING")]


async def test_one_of_a_job_is_told_of_what_follows_the_start(vault: Vault) -> None:
    job, other = await started(vault, NEW), await started(vault)
    await jobs.cancel(vault, job)
    await jobs.cancel(vault, other)
    (webhook,) = (await webhooks.list_of_job(vault, job, Window())).rows
    assert (webhook.job_id, webhook.url, webhook.statuses) == (job, NEW.url, None)
    assert await told(vault, webhook.id) == [(job, "CANCELLED", "WAITING")]
    assert (await webhooks.list_all(vault, Window())).rows == []


async def test_a_scheduled_job_that_is_started_now_has_one_too(vault: Vault) -> None:
    await register(vault)
    (job,) = await jobs_of(vault, await define(vault))
    with pytest.raises(InvalidData):
        await scheduled_jobs.start_now(replace(vault, webhook=replace(NEW, url="nowhere")), job.id)
    await scheduled_jobs.start_now(replace(vault, webhook=NEW), job.id)
    await jobs.cancel(vault, job.id)
    (webhook,) = (await webhooks.list_of_job(vault, job.id, Window())).rows
    assert await told(vault, webhook.id) == [(job.id, "CANCELLED", "WAITING")]


async def test_jobs_that_start_together_have_each_its_own(vault: Vault) -> None:
    wanted = [replace(NEW, url=f"http://127.0.0.1:9/{number}") for number in range(10)]
    ids = await asyncio.gather(*(started(vault, each) for each in wanted))
    for job, each in zip(ids, wanted, strict=True):
        assert [webhook.url for webhook in (await webhooks.list_of_job(vault, job, Window())).rows] == [each.url]


async def test_a_job_that_nobody_lists_is_told_to_nobody_else(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    hidden = await jobs.begin(replace(vault, webhook=NEW), JobTraits("hidden__c", "Hidden", visible=False), {}, "POST")
    await jobs.cancel(vault, hidden.id)
    assert await told(vault, webhook.id) == []
    (own,) = (await webhooks.list_of_job(vault, hidden.id, Window())).rows
    assert await told(vault, own.id) == [(hidden.id, "CANCELLED", "WAITING")]


async def test_a_single_instance_that_is_refused_leaves_no_webhook(vault: Vault) -> None:
    only_one = JobTraits("single__c", "Single", single_instance_states=frozenset({JobStatus.QUEUED}))
    await jobs.begin(vault, only_one, {}, "POST")
    with pytest.raises(OperationNotAllowed):
        await jobs.begin(replace(vault, webhook=NEW), only_one, {}, "POST")
    assert await counted(vault, "webhooks") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        NewWebhook("ftp://127.0.0.1/", SECRET),
        NewWebhook("http://127.0.0.1:99999/", SECRET),
        NewWebhook("http://user:hunter2@127.0.0.1/", SECRET),
        NewWebhook("http://127.0.0.1/", "short"),
    ],
)
async def test_what_cannot_be_used_is_refused_before_anything_is_written(vault: Vault, wrong: NewWebhook) -> None:
    with pytest.raises(InvalidData) as refused:
        await started(vault, wrong)
    assert "hunter2" not in refused.value.message
    with pytest.raises(InvalidData):
        await webhooks.create(vault, wrong)
    assert (await counted(vault, "jobs"), await counted(vault, "webhooks")) == (0, 0)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "https://localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.1.2.3:8080/",
        "http://[fd00:ec2::254]/",
    ],
)
async def test_an_address_that_is_not_public_is_refused(vault: Vault, url: str) -> None:
    strict = replace(vault, settings=vault.settings.model_copy(update={"webhook_private": False}))
    for deed in (webhooks.create(strict, NewWebhook(url, SECRET)), started(strict, NewWebhook(url, SECRET))):
        with pytest.raises(InvalidData, match=r"not a public one\. The setting webhook_private allows it"):
            await deed
    assert (await counted(vault, "jobs"), await counted(vault, "webhooks")) == (0, 0)


async def test_those_for_all_jobs_are_for_admins(vault: Vault, nora: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    for deed in (
        webhooks.create(nora, NEW),
        webhooks.list_all(nora, Window()),
        webhooks.retrieve(nora, webhook.id),
        webhooks.delete(nora, webhook.id),
        webhooks.enable(nora, webhook.id),
        webhooks.disable(nora, webhook.id),
        webhooks.deliveries(nora, webhook.id, Window()),
        webhooks.redeliver(nora, webhook.id, 1),
    ):
        with pytest.raises(InsufficientAccess):
            await deed
    assert (await webhooks.retrieve(vault, webhook.id)).active


async def test_those_of_a_job_are_for_its_owner_and_admins(vault: Vault, nora: Vault) -> None:
    own, foreign = await started(nora, NEW), await started(vault, NEW)
    (webhook,) = (await webhooks.list_of_job(nora, own, Window())).rows
    assert await webhooks.retrieve(nora, webhook.id) == await webhooks.retrieve(vault, webhook.id) == webhook
    assert await told(nora, webhook.id) == []
    with pytest.raises(InsufficientAccess):
        await webhooks.list_of_job(nora, foreign, Window())
    (other,) = (await webhooks.list_of_job(vault, foreign, Window())).rows
    with pytest.raises(InsufficientAccess):
        await webhooks.deliveries(nora, other.id, Window())
    await webhooks.delete(nora, webhook.id)
    assert (await webhooks.list_of_job(vault, own, Window())).total == 0


async def test_a_disabled_one_is_told_of_nothing(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    job = await started(vault)
    await webhooks.disable(vault, webhook.id)
    await jobs.cancel(vault, job)
    (given_up,) = (await webhooks.deliveries(vault, webhook.id, Window())).rows
    assert (given_up.status, given_up.state, given_up.error) == ("QUEUEING", "GIVEN_UP", "the webhook was disabled")
    assert await webhook_deliveries.claim(vault, {}, 4, 20) == []
    with pytest.raises(OperationNotAllowed, match="enable it first"):
        await webhooks.redeliver(vault, webhook.id, given_up.id)
    await webhooks.enable(vault, webhook.id)
    later = await started(vault)
    assert await told(vault, webhook.id) == [(job, "QUEUEING", "GIVEN_UP"), (later, "QUEUEING", "WAITING")]
    await webhooks.redeliver(vault, webhook.id, given_up.id)
    assert (await told(vault, webhook.id))[0] == (job, "QUEUEING", "WAITING")


async def test_what_waits_is_not_sent_again(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    await started(vault)
    (waiting,) = (await webhooks.deliveries(vault, webhook.id, Window())).rows
    assert waiting.state is DeliveryState.WAITING
    with pytest.raises(OperationNotAllowed, match="still WAITING"):
        await webhooks.redeliver(vault, webhook.id, waiting.id)
    other = await webhooks.create(vault, NEW)
    with pytest.raises(InvalidData, match="no delivery"):
        await webhooks.redeliver(vault, other.id, waiting.id)


async def test_it_takes_its_deliveries_with_it(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    await started(vault)
    await webhooks.delete(vault, webhook.id)
    assert await counted(vault, "webhook_deliveries") == 0
    with pytest.raises(InvalidData, match=f"no webhook \\[{webhook.id}\\]"):
        await webhooks.retrieve(vault, webhook.id)


async def test_a_deleted_job_takes_its_webhook_with_it(vault: Vault) -> None:
    job = await started(vault, NEW)
    await jobs.cancel(vault, job)
    async with vault.database.transaction() as connection:
        await connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job})
    assert (await counted(vault, "webhooks"), await counted(vault, "webhook_deliveries")) == (0, 0)


async def test_a_move_goes_through_while_a_webhook_is_being_deleted(vault: Vault) -> None:
    """The move finds the webhook, waits for who deletes it, and must not fail for that it is gone then."""
    webhook = await webhooks.create(vault, NEW)
    job = await started(vault)
    async with vault.database.transaction() as connection:
        await connection.execute(text("DELETE FROM webhooks WHERE id = :id"), {"id": webhook.id})
        cancelling = asyncio.create_task(jobs.cancel(vault, job))
        await somebody_waits_for_a_lock(vault)
    assert (await cancelling).status is JobStatus.CANCELLED
    assert await counted(vault, "webhook_deliveries") == 0


async def test_a_rolled_back_move_is_not_told(vault: Vault) -> None:
    webhook = await webhooks.create(vault, NEW)
    job = await started(vault)
    with pytest.raises(RuntimeError):
        await _cancel_and_fail(vault, job)
    assert await told(vault, webhook.id) == [(job, "QUEUEING", "WAITING")]
    assert (await job_runs.retrieve_with_input(vault, job))[0].status is JobStatus.QUEUEING


async def test_there_is_an_end_to_how_many_there_are(vault: Vault) -> None:
    for _ in range(webhooks.MOST - 1):
        await webhooks.create(vault, NEW)
    made = await asyncio.gather(*(webhooks.create(vault, NEW) for _ in range(10)), return_exceptions=True)
    refused = [each for each in made if isinstance(each, OperationNotAllowed)]
    assert len(refused) == 9
    assert all(f"{webhooks.MOST} are the most" in each.message for each in refused)
    page = await webhooks.list_all(vault, Window(5, 2))
    assert (page.total, len(page.rows)) == (webhooks.MOST, 5)
    await started(vault, NEW)


async def _cancel_and_fail(vault: Vault, job: int) -> None:
    async with vault.database.transaction() as connection:
        await jobs.cancel(vault.bound(connection), job)
        raise RuntimeError("the transaction breaks")
