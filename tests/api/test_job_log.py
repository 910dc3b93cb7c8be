"""The log of a job, read in parts: each part goes on where the one before has ended, and nothing is between them."""

import asyncio

import asyncpg
import httpx
import pytest
from tests.api.kind_for_tests import Greeting
from tests.api.watchers import entry, logged, started

from strongroom.sdk.registry import Kinds
from strongroom.store import job_tasks, log_order
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

FOR_EVER = 3600.0


@pytest.fixture
def job_kinds() -> Kinds:
    return {"greeting": Greeting()}


async def read(http: httpx.AsyncClient, job_id: int, after: int = 0) -> tuple[list[str], int]:
    """The texts of the lines after one, and the number of the last of them."""
    reply = await http.get(f"/api/v26.1/services/jobs/{job_id}/log", params={"after": after})
    return [line[25:] for line in reply.text.splitlines()], int(reply.headers["x-strongroom-lastline"])


async def test_it_is_read_in_parts(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    await logged(vault, job_id, "one\ntwo")
    lines, last = await read(http, job_id)
    assert lines == ["one", "two"]
    assert await read(http, job_id, last) == ([], last)
    await logged(vault, job_id, "three")
    assert (await read(http, job_id, last))[0] == ["three"]


async def test_a_line_that_is_committed_late_is_not_passed_over(
    http: httpx.AsyncClient, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_order, "LONGEST", FOR_EVER)
    job_id = await started(http)
    async with vault.database.transaction() as slow:
        await job_tasks.add_log(slow, [entry(vault, job_id, "first")])
        await logged(vault, job_id, "second")
        reading = asyncio.create_task(read(http, job_id))
        # A wrong answer is there at once; the right one is waited for until the other transaction has ended.
        await asyncio.wait([reading], timeout=1)
    lines, last = await reading
    more, _ = await read(http, job_id, last)
    assert lines + more == ["first", "second"]


async def test_nobody_waits_for_a_log_without_a_new_line_or_for_who_writes_other_things(
    http: httpx.AsyncClient, vault: Vault, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_order, "LONGEST", FOR_EVER)
    job_id, other = await started(http), await started(http)
    await logged(vault, other, "one")
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute("UPDATE jobs SET touched = now()")
        assert (await read(http, other))[0] == ["one"]
    async with vault.database.transaction() as slow:
        await job_tasks.add_log(slow, [entry(vault, other, "two")])
        assert (await read(http, job_id))[0] == []
    await connection.close()


async def test_who_writes_for_too_long_holds_up_nobody(
    http: httpx.AsyncClient, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_order, "LONGEST", 0.1)
    job_id = await started(http)
    async with vault.database.transaction() as slow:
        await job_tasks.add_log(slow, [entry(vault, job_id, "first")])
        await logged(vault, job_id, "second")
        assert (await read(http, job_id))[0] == ["second"]
