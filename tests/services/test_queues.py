"""Queues of custom jobs as the services have them: names, who may, what uses them, what reset does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job import Job, JobStatus, JobTraits
from strongroom.domain.job_queue import NAME_MAX, JobQueue
from strongroom.services import jobs, queues, users
from strongroom.services.users import NewUser
from strongroom.store.tables import job_metadata
from strongroom.store.tables import jobs as job_rows
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

QUEUE = "nightly_jobs__c"


async def begun(vault: Vault, queue: str | None = QUEUE, **traits: Any) -> Job:
    """A job that runs as a whole: QUEUED from the first moment."""
    return await jobs.begin(vault, JobTraits("counting", "Counting", whole=True, queue=queue, **traits), {}, "POST")


async def move(vault: Vault, job: Job, status: JobStatus) -> None:
    async with vault.database.transaction() as connection:
        await connection.execute(update(job_rows).where(job_rows.c.id == job.id).values(status=status))


async def test_a_queue_from_its_making_to_its_end(vault: Vault) -> None:
    assert await queues.list_queues(vault) == []
    assert await queues.create(vault, "second__c") == JobQueue("second__c", delivery=True, messages=0)
    await queues.create(vault, "first__c")
    await begun(vault, "first__c")
    assert await queues.list_queues(vault) == [JobQueue("first__c", True, 1), JobQueue("second__c", True, 0)]
    await queues.delete(vault, "second__c")
    assert [queue.name for queue in await queues.list_queues(vault)] == ["first__c"]
    with pytest.raises(InvalidData, match=r"\[second__c\]"):
        await queues.retrieve(vault, "second__c")


@pytest.mark.parametrize("name", ["a__c", "q7__c", "a__b_9__c", "a" * (NAME_MAX - 3) + "__c"])
async def test_names_that_are_taken(vault: Vault, name: str) -> None:
    assert (await queues.create(vault, name)).name == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "__c",
            "a",
            "a__v",
            "a_c",
            "A__c",
            "7a__c",
            "_a__c",
            "a b__c",
            "ä__c",
            "a__c\n",
            "a__c ",
        ),
        *("a" * (NAME_MAX - 2) + "__c", "a" * 100_000),
    ],
)
async def test_names_that_are_refused(vault: Vault, name: str) -> None:
    with pytest.raises(InvalidData, match=r"parameter \[name\]"):
        await queues.create(vault, name)
    assert await queues.list_queues(vault) == []


async def test_a_name_is_taken_once(vault: Vault) -> None:
    tries = await asyncio.gather(*(queues.create(vault, QUEUE) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, JobQueue) for each in tries) == 1
    assert sum(isinstance(each, InvalidData) for each in tries) == 4


async def test_who_is_no_admin_sees_no_queues_and_may_not_use_them(vault: Vault) -> None:
    await queues.create(vault, QUEUE)
    made = await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example"))
    nora = vault.as_user(await users.retrieve(vault, made))
    assert await queues.list_queues(nora) == []
    for call in (queues.retrieve, queues.delete, queues.enable_delivery, queues.disable_delivery, queues.reset):
        with pytest.raises(InsufficientAccess, match=f"{made}.*Admin: SDK Job Queues"):
            await call(nora, QUEUE)
    with pytest.raises(InsufficientAccess):
        await queues.create(nora, "other__c")
    assert await queues.list_queues(vault) == [JobQueue(QUEUE, True, 0)]


async def test_what_there_is_not_is_named(vault: Vault) -> None:
    for call in (queues.retrieve, queues.delete, queues.enable_delivery, queues.disable_delivery, queues.reset):
        with pytest.raises(InvalidData, match=r"There is no queue \[none__c\]"):
            await call(vault, "none__c")


@pytest.mark.parametrize(
    "status", [JobStatus.SCHEDULED, JobStatus.QUEUEING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCESS]
)
async def test_a_queue_with_active_jobs_is_not_deleted(vault: Vault, status: JobStatus) -> None:
    await queues.create(vault, QUEUE)
    await move(vault, await begun(vault), status)
    if status.is_terminal:
        await queues.delete(vault, QUEUE)
        return
    with pytest.raises(OperationNotAllowed, match="it is used by active jobs"):
        await queues.delete(vault, QUEUE)
    assert (await queues.retrieve(vault, QUEUE)).delivery


async def test_a_queue_with_metadata_is_not_deleted(vault: Vault) -> None:
    await queues.create(vault, QUEUE)
    row = {
        "name": "audit__c",
        "label": "Audit",
        "job_code": "Sdkjob.Audit",
        "chunk_size": 1,
        "queue": QUEUE,
        "single_instance_states": [],
        "admin_configurable": False,
        "idempotent": False,
        "is_visible": True,
        "admin_cancellable": False,
        "source": "audit.py",
        "sha256": "0" * 64,
        "registered": vault.clock.now(),
    }
    async with vault.database.transaction() as connection:
        await connection.execute(insert(job_metadata).values(row))
    await begun(vault)
    with pytest.raises(OperationNotAllowed, match="it is used by job metadata and active jobs"):
        await queues.delete(vault, QUEUE)


async def test_reset_cancels_what_waits_in_this_queue_and_nothing_else(vault: Vault) -> None:
    for name in (QUEUE, "other__c"):
        await queues.create(vault, name)
    waiting = [await begun(vault), await begun(vault, cancellable=False)]
    queueing = await jobs.begin(vault, JobTraits("counting", "Counting", queue=QUEUE), {}, "POST")
    running, ended = await begun(vault), await begun(vault)
    await move(vault, running, JobStatus.RUNNING)
    await move(vault, ended, JobStatus.TIMEOUT)
    others = [await begun(vault, "other__c"), await begun(vault, None)]
    assert (await queues.retrieve(vault, QUEUE)).messages == 2
    assert await queues.reset(vault, QUEUE) == 2
    for job in waiting:
        now = await jobs.retrieve(vault, job.id)
        assert now.status is JobStatus.CANCELLED
        lines = await jobs.log(vault, job.id)
        assert lines[-1].text == "Job Completion Status: Cancelled (CANCELLED)"
        assert now.modified_by == vault.user.id
        assert now.run_end_date is not None
        assert timedelta() <= now.run_end_date - job.created_date < timedelta(minutes=10)
    left = [(await jobs.retrieve(vault, job.id)).status for job in (queueing, running, ended, *others)]
    assert left == ["QUEUEING", "RUNNING", "TIMEOUT", "QUEUED", "QUEUED"]
    assert (await queues.retrieve(vault, QUEUE)).messages == 0
    assert await queues.reset(vault, QUEUE) == 0


async def test_reset_and_enabling_take_more_jobs_than_one_statement_does(vault: Vault) -> None:
    """1,201 jobs: two whole batches and one more than nothing."""
    await queues.create(vault, QUEUE)
    first = await begun(vault)
    copied = "kind, title, input, created_by, created_date, modified_by, modified_date, queue, whole"
    async with vault.database.transaction() as connection:
        await connection.execute(
            text(
                f"INSERT INTO jobs (status, {copied})"
                f" SELECT 'QUEUED', {copied} FROM jobs, generate_series(1, 1200) WHERE jobs.id = {first.id}"
            )
        )
    await queues.disable_delivery(vault, QUEUE)
    await queues.enable_delivery(vault, QUEUE)
    async with vault.database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'run'")) == 1201
    assert await queues.reset(vault, QUEUE) == 1201
    assert (await queues.retrieve(vault, QUEUE)).messages == 0


async def test_two_who_reset_at_once_cancel_each_job_once(vault: Vault) -> None:
    await queues.create(vault, QUEUE)
    for _ in range(30):
        await begun(vault)
    assert sum(await asyncio.gather(*(queues.reset(vault, QUEUE) for _ in range(4)))) == 30
