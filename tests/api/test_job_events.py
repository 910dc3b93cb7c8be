"""The event stream of a job: its status, its progress and its log, as they come."""

import asyncio
from functools import partial
from typing import Any

import httpx
import pytest
from tests.api.http_server import logged_in, serving
from tests.api.kind_for_tests import Greeting
from tests.api.watchers import cut, entry, following, listeners, logged, moved, started, until, watched

from strongroom.api.app import application
from strongroom.domain.job import JobStatus
from strongroom.engine import worker
from strongroom.sdk.registry import Kinds
from strongroom.server.protocol import Bounds, EnvelopeProtocol
from strongroom.services import job_watches, users
from strongroom.services.users import NewUser
from strongroom.store import job_tasks
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

JOBS = "/api/v26.1/services/jobs"
QUEUED, RUNNING, SUCCESS = JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCESS


@pytest.fixture
def job_kinds() -> Kinds:
    return {"greeting": Greeting()}


def statuses(events: list[Any]) -> list[str]:
    return [event.data["status"] for event in events if event.name == "status"]


def vault_is_unwatched(vault: Vault) -> bool:
    return vault.database.changes.watches == {}


def texts(events: list[Any]) -> list[str]:
    return [line["text"] for event in events if event.name == "log" for line in event.data["lines"]]


async def test_a_job_from_start_to_end(http: httpx.AsyncClient, system_vault: Vault, job_kinds: Kinds) -> None:
    people = [{"id": number, "name": f"Ann {number}"} for number in range(60)]
    job_id = (await http.post("/api/v26.1/rooms/batch/actions/greet", json=people)).json()["job_id"]
    stop = asyncio.Event()
    async with following(http, job_id) as stream:
        assert stream.reply.headers["content-type"] == "text/event-stream"
        assert stream.reply.headers["x-vaultapi-status"] == "SUCCESS"
        first = await stream.next()
        assert (first.name, first.data) == ("status", {"id": job_id, "status": "QUEUEING"})
        identity = "00000000-0000-4000-8000-000000000003"
        working = asyncio.create_task(worker.run(system_vault, job_kinds, worker_id=identity, stop=stop))
        events = await stream.rest()
        stop.set()
        await working
    assert statuses(events) == ["QUEUED", "RUNNING", "SUCCESS"]
    progress = [event.data["tasks"] for event in events if event.name == "progress"]
    assert progress[-1] == {"total": 60, "queued": 0, "running": 0, "success": 60, "errors_encountered": 0}
    log = (await http.get(f"{JOBS}/{job_id}/log")).text
    assert texts(events) == [line[25:] for line in log.splitlines()]
    assert (events[-1].name, events[-1].data) == ("end", {"id": job_id, "status": "SUCCESS"})
    assert vault_is_unwatched(system_vault)


async def test_every_change_is_told_in_order(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    async with following(http, job_id) as one, following(http, job_id) as two:
        assert [(await each.next()).data["status"] for each in (one, two)] == ["QUEUEING"] * 2
        await moved(vault, job_id, QUEUED, RUNNING, SUCCESS)
        for each in (one, two):
            assert statuses(await each.rest()) == ["QUEUED", "RUNNING", "SUCCESS"]


async def test_a_job_that_has_ended(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    await logged(vault, job_id, "one\ntwo", "three")
    await moved(vault, job_id, JobStatus.CANCELLED)
    async with following(http, job_id) as stream:
        events = await stream.rest()
    assert [event.name for event in events] == ["status", "log", "end"]
    assert texts(events) == ["one", "two", "three"]
    assert events[1].data["lines"][0]["time"].endswith("Z")


async def test_the_log_is_resumed_where_it_broke_off(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    await logged(vault, job_id, "one\nand a half", "two")
    async with following(http, job_id) as stream:
        first = await stream.next("log")
    await logged(vault, job_id, "three")
    async with following(http, job_id, Last_Event_ID=first.id) as stream:
        opening = await stream.next()
        assert (opening.name, opening.id) == ("status", first.id)
        await logged(vault, job_id, *(f"line {number}" for number in range(1200)))
        await moved(vault, job_id, JobStatus.CANCELLED)
        shown = texts(await stream.rest())
    assert texts([first]) == ["one", "and a half", "two"]
    assert shown == ["three", *(f"line {number}" for number in range(1200))]
    by_query = (await http.get(f"{JOBS}/{job_id}/events", params={"after": first.id})).text
    assert '"three"' in by_query
    assert '"two"' not in by_query


async def test_a_line_that_is_committed_late_is_not_lost(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    async with following(http, job_id) as stream:
        await stream.next()
        async with vault.database.transaction() as slow:
            await job_tasks.add_log(slow, [entry(vault, job_id, "first")])
            await logged(vault, job_id, "second")
            for _ in range(4):
                await vault.database.looks.ask(job_id, 0, soon=True)
        await moved(vault, job_id, JobStatus.CANCELLED)
        assert texts(await stream.rest()) == ["first", "second"]


@pytest.mark.parametrize("everything", [False, True])
async def test_nothing_is_lost_with_the_connection_that_listens(
    http: httpx.AsyncClient, vault: Vault, everything: bool
) -> None:
    job_id = await started(http)
    async with following(http, job_id) as stream:
        await stream.next("status")
        assert await cut(vault, everything=everything) >= 1
        await moved(vault, job_id, QUEUED, RUNNING)
        # What was told meanwhile may have been heard or not; the present status is known in any case.
        while (await stream.next("status")).data["status"] != "RUNNING":
            pass
        await moved(vault, job_id, SUCCESS)
        assert statuses(await stream.rest()) == ["SUCCESS"]
    assert await listeners(vault) == 1


@pytest.mark.parametrize("told", ["abc", "-1", "1.5", "9" * 30, "0" * 20 + "9" * 30, "9223372036854775808", "²"])
async def test_an_id_that_is_none_is_refused(http: httpx.AsyncClient, told: str) -> None:
    job_id = await started(http)
    reply = await http.get(f"{JOBS}/{job_id}/events", headers={b"Last-Event-ID": told.encode()})
    assert reply.json()["errors"][0]["type"] == "INVALID_DATA"


async def test_jobs_of_others_are_not_shown(http: httpx.AsyncClient, vault: Vault, port: int) -> None:
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", password="open sesame"))
    job_id = await started(http)
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        for path, refusal in (
            (f"{JOBS}/{job_id}/events", "INSUFFICIENT_ACCESS"),
            (f"{JOBS}/77/events", "INVALID_DATA"),
        ):
            reply = await nora.get(path)
            assert reply.status_code == 200
            assert reply.json()["errors"][0]["type"] == refusal
        own = await started(nora)
        await moved(vault, own, JobStatus.CANCELLED)
        for each in (nora, http):
            async with following(each, own) as stream:
                assert statuses(await stream.rest()) == ["CANCELLED"]


async def test_a_session_that_ends_closes_its_streams(
    http: httpx.AsyncClient, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watches, "BEAT", 0.2)
    job_id = await started(http)
    async with logged_in(port) as other, following(http, job_id) as stays, following(other, job_id) as ends:
        assert (await stays.next("")).data == "keep-alive"
        assert (await ends.next("")).data == "keep-alive"
        assert (await other.delete("/api/v26.1/session")).json()["responseStatus"] == "SUCCESS"
        assert statuses(await ends.rest()) == []
        assert (await stays.next("")).data == "keep-alive"


async def test_a_client_that_leaves_is_not_served(http: httpx.AsyncClient, vault: Vault) -> None:
    job_id = await started(http)
    async with following(http, job_id) as stream:
        await stream.next()
        assert not vault_is_unwatched(vault)
    await until(lambda: vault_is_unwatched(vault))


async def test_one_that_leaves_with_a_further_request_under_way(system_vault: Vault, job_kinds: Kinds) -> None:
    protocol = partial(EnvelopeProtocol, Bounds(head_seconds=30, stall_seconds=60, connections=100))
    async with serving(application(system_vault, job_kinds), protocol) as port, logged_in(port) as http:
        job_id = await started(http)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"Host: localhost\r\nAuthorization: {http.headers['Authorization']}\r\n\r\n"
        for path in (f"{JOBS}/{job_id}/events", "/api/"):
            writer.write(f"GET {path} HTTP/1.1\r\n{head}".encode())
        await reader.readuntil(b"event: status")
        await watched(system_vault, job_id)
        writer.close()
        try:
            await until(lambda: vault_is_unwatched(system_vault))
        finally:
            system_vault.database.changes.dismiss()  # else the server would wait at its end for one that is forgotten
