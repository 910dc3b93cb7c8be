"""Retrieve Job Status with ``wait``: the reply comes at the next change of the status."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.api.http_server import logged_in, serving
from tests.api.kind_for_tests import Greeting
from tests.api.watchers import JOBS, PATIENCE, cut, listeners, moved, started, until, watched

from strongroom.api.app import application
from strongroom.domain.job import JobStatus
from strongroom.sdk.registry import Kinds
from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.store import changes
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


@pytest.fixture
def job_kinds() -> Kinds:
    return {"greeting": Greeting()}


async def poll(http: httpx.AsyncClient, job_id: int, query: str) -> dict[str, Any]:
    reply: dict[str, Any] = (await http.get(f"{JOBS}/{job_id}?{query}", timeout=2 * PATIENCE)).json()
    return reply


async def test_it_returns_at_the_next_change(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    waiting = asyncio.create_task(poll(http, job_id, "wait=60"))
    await watched(vault, job_id)
    assert not waiting.done()
    await moved(vault, job_id, JobStatus.QUEUED)
    reply = await waiting
    assert reply["data"]["status"] == "QUEUED"
    assert reply == await poll(http, job_id, "limit=5")
    assert vault.database.changes.watches == {}


@pytest.mark.parametrize("since", ["RUNNING", "queued", "SUCCESS"])
async def test_another_status_than_the_known_one_is_told_at_once(http: httpx.AsyncClient, since: str) -> None:
    job_id = await started(http)
    async with asyncio.timeout(PATIENCE - 5):
        reply = await poll(http, job_id, f"wait=60&since={since}")
    assert reply["data"]["status"] == "QUEUEING"


async def test_it_waits_for_the_change_after_the_known_status(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    waiting = asyncio.create_task(poll(http, job_id, "wait=60&since=Queueing"))
    await watched(vault, job_id)
    await moved(vault, job_id, JobStatus.QUEUED)
    assert (await waiting)["data"]["status"] == "QUEUED"


@pytest.mark.parametrize("seconds", ["0", "0.0", "0.3", "1e-1"])
async def test_without_a_change_the_present_status_is_told(http: httpx.AsyncClient, seconds: str) -> None:
    job_id = await started(http)
    assert (await poll(http, job_id, f"wait={seconds}"))["data"]["status"] == "QUEUEING"


async def test_a_job_that_has_ended_is_not_waited_for(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    await moved(vault, job_id, JobStatus.CANCELLED)
    async with asyncio.timeout(PATIENCE - 5):
        assert (await poll(http, job_id, "wait=60&since=CANCELLED"))["data"]["status"] == "CANCELLED"
        assert (await poll(http, job_id, "wait=60"))["data"]["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("wait=-1", "[-1] specified for parameter [wait]"),
        ("wait=60.1", "[60.1]"),
        ("wait=nan", "[nan]"),
        ("wait=inf", "[inf]"),
        ("wait=soon", "it must be a number"),
        ("wait=1&since=DONE", "[DONE] specified for parameter [since]: use one of SCHEDULED, QUEUEING"),
    ],
)
async def test_bad_values_are_named(http: httpx.AsyncClient, query: str, names: str) -> None:
    job_id = await started(http)
    error = (await poll(http, job_id, query))["errors"][0]
    assert error["type"] == "INVALID_DATA"
    assert names in error["message"]


async def test_since_alone_is_a_parameter_that_no_vault_knows(http: httpx.AsyncClient) -> None:
    job_id = await started(http)
    assert (await poll(http, job_id, "since=DONE"))["data"]["status"] == "QUEUEING"


async def test_it_is_exempt_from_the_rule_of_ten_seconds(system_vault: Vault, job_kinds: Kinds) -> None:
    limited = replace(system_vault, settings=system_vault.settings.model_copy(update={"limits": "exact"}))
    async with serving(application(limited, job_kinds)) as port, logged_in(port) as http:
        job_id = await started(http)
        waits = [await poll(http, job_id, "wait=0.01") for _ in range(3)]
        plain = [await poll(http, job_id, ""), await poll(http, job_id, "")]
        waits.append(await poll(http, job_id, "wait=0.01"))
    assert [each["responseStatus"] for each in waits] == ["SUCCESS"] * 4
    assert [each["responseStatus"] for each in plain] == ["SUCCESS", "FAILURE"]


async def test_a_client_that_leaves_is_not_waited_for(http: httpx.AsyncClient, port: int, vault: Vault) -> None:
    job_id = await started(http)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(http, f"{JOBS}/{job_id}?wait=60"))
    await watched(vault, job_id)
    writer.close()
    await until(lambda: not vault.database.changes.watches)


async def test_jobs_of_others_are_not_waited_for(http: httpx.AsyncClient, vault: Vault, port: int) -> None:
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", password="open sesame"))
    job_id = await started(http)
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        assert (await poll(nora, job_id, "wait=60"))["errors"][0]["type"] == "INSUFFICIENT_ACCESS"
        assert (await poll(nora, 77, "wait=60"))["errors"][0]["type"] == "INVALID_DATA"
        own = await started(nora)
        waiting = [asyncio.create_task(poll(each, own, "wait=60")) for each in (nora, http)]
        await watched(vault, own, 2)
        await moved(vault, own, JobStatus.CANCELLED)
        assert [(await each)["data"]["status"] for each in waiting] == ["CANCELLED", "CANCELLED"]


async def test_nothing_is_lost_with_the_connection_that_listens(http: httpx.AsyncClient, vault: Vault) -> None:
    ids = [await started(http) for _ in range(10)]
    waiting = [asyncio.create_task(poll(http, job_id, "wait=60")) for job_id in ids]
    for job_id in ids:
        await watched(vault, job_id)
    # Whatever is told between the two is told to nobody.
    assert await cut(vault) == 1
    for job_id in ids:
        await moved(vault, job_id, JobStatus.QUEUED)
    async with asyncio.timeout(PATIENCE - 5):
        assert [(await each)["data"]["status"] for each in waiting] == ["QUEUED"] * 10


async def test_a_thousand_watchers_cost_one_connection(http: httpx.AsyncClient, port: int, vault: Vault) -> None:
    job_id = await started(http)
    path = f"{JOBS}/{job_id}?wait=60"
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(1000)]
    for _, writer in streams:
        writer.write(request(http, path))
    await watched(vault, job_id, 1000)
    assert await listeners(vault) == 1
    await moved(vault, job_id, JobStatus.CANCELLED)
    async with asyncio.timeout(PATIENCE):
        replies = [await reader.readuntil(b'"status":"CANCELLED"') for reader, _ in streams]
    assert all(reply.startswith(b"HTTP/1.1 200 ") for reply in replies)
    assert vault.database.changes.watches == {}
    for _, writer in streams:
        writer.close()


async def test_the_connection_is_closed_when_nobody_watches(
    http: httpx.AsyncClient, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LINGER", 0.1)
    job_id = await started(http)
    for target in (JobStatus.QUEUED, JobStatus.RUNNING):
        waiting = asyncio.create_task(poll(http, job_id, "wait=60"))
        await watched(vault, job_id)
        assert await listeners(vault) == 1
        await moved(vault, job_id, target)
        assert (await waiting)["data"]["status"] == target
        async with asyncio.timeout(PATIENCE):
            while await listeners(vault):  # noqa: ASYNC110 - what PostgreSQL closes sets no event
                await asyncio.sleep(0.05)


def request(http: httpx.AsyncClient, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {http.headers['Authorization']}\r\n\r\n".encode()
