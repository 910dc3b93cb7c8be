"""Webhooks over HTTP: registered for all jobs or by the header of a starting call, listed, delivered, sent again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.http_server import logged_in
from tests.api.kind_for_tests import Greeting
from tests.engine import sending
from tests.engine.receiver import PATIENCE, SECRET, Receiver, receiving

from strongroom.config import Settings
from strongroom.sdk.registry import Kinds
from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

V = "/api/v26.1"
WEBHOOKS = f"{V}/services/webhooks"
JOBS = f"{V}/services/jobs"
GREET = f"{V}/rooms/kitchen/actions/greet"
URL = "http://127.0.0.1:9/hook"
MADE_UP = "x-strongroom-webhook-secret"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, limits="off", webhook_private=True)


@pytest.fixture
def job_kinds() -> Kinds:
    return {"greeting": Greeting()}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
async def delivering(vault: Vault) -> AsyncIterator[None]:
    async with sending.delivering(vault):
        yield


async def created(http: httpx.AsyncClient, **given: Any) -> dict[str, Any]:
    reply = (await http.post(WEBHOOKS, json={"url": URL, **given})).json()
    assert reply["responseStatus"] == "SUCCESS", reply
    made: dict[str, Any] = reply["data"]
    return made


async def ended(http: httpx.AsyncClient, webhook: int, count: int) -> list[dict[str, Any]]:
    """Wait until so many deliveries of a webhook have ended; all, oldest first."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found: list[dict[str, Any]] = (await http.get(f"{WEBHOOKS}/{webhook}/deliveries")).json()["deliveries"]
            if sum("ended" in each for each in found) == count:
                return found[::-1]
            await asyncio.sleep(0.05)


async def test_one_is_registered_and_listed_without_its_secret(http: httpx.AsyncClient) -> None:
    made = await created(http, secret=SECRET, statuses="success, Errors_Encountered,success")
    assert made["secret"] == SECRET
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert shown == {
        "id": made["id"], "url": URL, "statuses": ["SUCCESS", "ERRORS_ENCOUNTERED"], "active": True,
        "created_by": made["created_by"], "created_date": made["created_date"],
    }  # fmt: skip
    assert (await http.get(f"{WEBHOOKS}/{made['id']}")).json()["data"] == shown
    listed = (await http.get(WEBHOOKS)).json()
    assert listed["webhooks"] == [shown]
    assert listed["responseDetails"] == {"total": 1, "limit": 50, "offset": 0}
    xml = (await http.get(WEBHOOKS, headers={"Accept": "application/xml"})).text
    assert f"<url>{URL}</url>" in xml


async def test_a_secret_is_thought_up(http: httpx.AsyncClient) -> None:
    first, second = await created(http), await created(http)
    assert len(first["secret"]) >= 32
    assert first["secret"] != second["secret"]
    assert len(first["statuses"]) == 11


@pytest.mark.parametrize(
    ("given", "kind", "shows"),
    [
        ({}, "PARAMETER_REQUIRED", "[url]"),
        ({"url": "ftp://example.com/"}, "INVALID_DATA", "[ftp://example.com/]"),
        ({"url": "http://a:hunter2@example.com/"}, "INVALID_DATA", "no user name"),
        ({"url": "http://127.0.0.1:0/"}, "INVALID_DATA", "port 0"),
        ({"url": URL, "secret": "short"}, "INVALID_DATA", "16 to 255"),
        ({"url": URL, "statuses": "success,done"}, "INVALID_DATA", "[DONE] specified for parameter [statuses]"),
    ],
)
async def test_what_cannot_be_used_is_refused(
    http: httpx.AsyncClient, given: dict[str, str], kind: str, shows: str
) -> None:
    error = (await http.post(WEBHOOKS, data=given)).json()["errors"][0]
    assert error["type"] == kind
    assert shows in error["message"]
    assert "hunter2" not in error["message"]
    assert (await http.get(WEBHOOKS)).json()["webhooks"] == []


@pytest.mark.usefixtures("delivering")
async def test_a_job_is_told_to_who_is_named_at_its_start(http: httpx.AsyncClient, receiver: Receiver) -> None:
    headers = {"X-Strongroom-Webhook": receiver.url(), "X-Strongroom-Webhook-Secret": SECRET}
    reply = await http.post(GREET, headers=headers)
    assert MADE_UP not in reply.headers
    job = reply.json()["job_id"]
    await http.post(f"{JOBS}/{job}/actions/cancel")
    (webhook,) = (await http.get(f"{JOBS}/{job}/webhooks")).json()["webhooks"]
    assert (webhook["job_id"], webhook["url"], "secret" in webhook) == (int(job), receiver.url(), False)
    (delivery,) = await ended(http, webhook["id"], 1)
    assert {name: delivery[name] for name in ("job_id", "status", "state", "attempts", "answered")} == {
        "job_id": int(job), "status": "CANCELLED", "state": "DELIVERED", "attempts": 1, "answered": 200,
    }  # fmt: skip
    assert "due" not in delivery
    assert receiver.steps == [(int(job), "CANCELLED", 1)]
    assert receiver.received[0].is_signed_with(SECRET)


@pytest.mark.usefixtures("delivering")
async def test_a_secret_for_a_job_is_thought_up_and_told_in_a_header(
    http: httpx.AsyncClient, receiver: Receiver
) -> None:
    reply = await http.post(GREET, headers={"X-Strongroom-Webhook": receiver.url()})
    job = reply.json()["job_id"]
    await http.post(f"{JOBS}/{job}/actions/cancel")
    (webhook,) = (await http.get(f"{JOBS}/{job}/webhooks")).json()["webhooks"]
    await ended(http, webhook["id"], 1)
    assert receiver.received[0].is_signed_with(reply.headers[MADE_UP])


async def test_calls_that_start_no_job_take_no_notice_of_the_headers(http: httpx.AsyncClient) -> None:
    for headers in ({"X-Strongroom-Webhook": URL}, {"X-Strongroom-Webhook-Secret": SECRET}):
        reply = await http.get(WEBHOOKS, headers=headers)
        assert reply.json()["responseStatus"] == "SUCCESS"
        assert MADE_UP not in reply.headers


@pytest.mark.parametrize(
    ("headers", "kind", "shows"),
    [
        ({"X-Strongroom-Webhook": "nowhere"}, "INVALID_DATA", "[nowhere]"),
        ({"X-Strongroom-Webhook": "http://exämple.com/".encode().decode("latin-1")}, "INVALID_DATA", "ASCII"),
        ({"X-Strongroom-Webhook": "http://a:hunter2@127.0.0.1/"}, "INVALID_DATA", "no user name"),
        ({"X-Strongroom-Webhook": URL, "X-Strongroom-Webhook-Secret": "short"}, "INVALID_DATA", "16 to 255"),
        ({"X-Strongroom-Webhook-Secret": SECRET}, "PARAMETER_REQUIRED", "x-strongroom-webhook"),
    ],
)
async def test_a_bad_header_starts_no_job(
    http: httpx.AsyncClient, headers: dict[str, str], kind: str, shows: str
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    reply = await http.post(GREET, headers=sent)
    assert reply.status_code == 200
    error = reply.json()["errors"][0]
    assert error["type"] == kind
    assert shows in error["message"]
    assert MADE_UP not in reply.headers
    assert (await http.get(f"{JOBS}/monitors")).json()["jobs"] == []


@pytest.mark.usefixtures("delivering")
async def test_deliveries_are_paged_and_sent_again(http: httpx.AsyncClient, receiver: Receiver) -> None:
    webhook = (await created(http, url=receiver.url()))["id"]
    job = int((await http.post(GREET)).json()["job_id"])
    await http.post(f"{JOBS}/{job}/actions/cancel")
    first, second = await ended(http, webhook, 2)
    assert (first["status"], second["status"]) == ("QUEUEING", "CANCELLED")
    path = f"{WEBHOOKS}/{webhook}/deliveries"
    page = (await http.get(f"{path}?limit=1")).json()
    assert page["deliveries"] == [second]
    assert page["responseDetails"] == {"total": 2, "limit": 1, "offset": 0, "next_page": f"{path}?limit=1&offset=1"}
    assert (await http.get(page["responseDetails"]["next_page"])).json()["deliveries"] == [first]
    again = (await http.post(f"{path}/{first['id']}/actions/redeliver")).json()
    assert again["data"] == {"id": first["id"], "state": "WAITING"}
    found = await ended(http, webhook, 2)
    async with asyncio.timeout(PATIENCE):
        while found[0]["attempts"] == 1:
            await asyncio.sleep(0.05)
            found = await ended(http, webhook, 2)
    assert receiver.steps[2] == (job, "QUEUEING", 2)
    assert receiver.received[2].told["delivery"] == first["id"]


async def test_one_is_disabled_enabled_and_deleted(http: httpx.AsyncClient) -> None:
    webhook = (await created(http))["id"]
    off = (await http.post(f"{WEBHOOKS}/{webhook}/actions/disable")).json()["data"]
    assert off == {"id": webhook, "active": False}
    await http.post(GREET)
    assert (await http.get(f"{WEBHOOKS}/{webhook}/deliveries")).json()["deliveries"] == []
    await http.post(f"{WEBHOOKS}/{webhook}/actions/enable")
    await http.post(GREET)
    (delivery,) = (await http.get(f"{WEBHOOKS}/{webhook}/deliveries")).json()["deliveries"]
    assert (delivery["state"], "due" in delivery, "ended" in delivery) == ("WAITING", True, False)
    assert (await http.delete(f"{WEBHOOKS}/{webhook}")).json()["data"] == {"id": webhook}
    error = (await http.get(f"{WEBHOOKS}/{webhook}")).json()["errors"][0]
    assert (error["type"], f"[{webhook}]" in error["message"]) == ("INVALID_DATA", True)


async def test_who_may(http: httpx.AsyncClient, vault: Vault, port: int) -> None:
    webhook = (await created(http))["id"]
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", password="open sesame"))
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        for method, path in (
            ("GET", WEBHOOKS),
            ("POST", f"{WEBHOOKS}?url={URL}"),
            ("GET", f"{WEBHOOKS}/{webhook}"),
            ("DELETE", f"{WEBHOOKS}/{webhook}"),
            ("POST", f"{WEBHOOKS}/{webhook}/actions/disable"),
            ("GET", f"{WEBHOOKS}/{webhook}/deliveries"),
        ):
            reply = await nora.request(method, path)
            assert reply.json()["errors"][0]["type"] == "INSUFFICIENT_ACCESS", path
        job = (await nora.post(GREET, headers={"X-Strongroom-Webhook": URL})).json()["job_id"]
        (own,) = (await nora.get(f"{JOBS}/{job}/webhooks")).json()["webhooks"]
        assert (await nora.get(f"{WEBHOOKS}/{own['id']}/deliveries")).json()["deliveries"] == []
