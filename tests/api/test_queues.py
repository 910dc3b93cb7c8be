"""Queues of custom jobs over HTTP: the shapes of Vault's reference, and what only Strongroom has."""

import httpx
import pytest
from tests.api.http_server import logged_in

from strongroom.domain.job import JobTraits
from strongroom.services import jobs, users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

V = "/api/v26.1"
QUEUES = f"{V}/services/queues"
NAME = "nightly_jobs__c"
DONE = {"responseStatus": "SUCCESS"}


def url(http: httpx.AsyncClient, name: str, version: str = "v26.1") -> str:
    return f"https://{http.base_url.host}:{http.base_url.port}/api/{version}/services/queues/{name}"


async def begin(vault: Vault) -> int:
    return (await jobs.begin(vault, JobTraits("greeting", "Greeting", whole=True, queue=NAME), {}, "POST")).id


async def status(http: httpx.AsyncClient) -> dict[str, object]:
    shown: list[dict[str, object]] = (await http.get(f"{QUEUES}/{NAME}")).json()["data"]
    assert len(shown) == 1
    return shown[0]


async def test_queues_are_made_listed_and_deleted(http: httpx.AsyncClient) -> None:
    assert (await http.get(QUEUES)).json() == {**DONE, "data": []}
    made = await http.post(QUEUES, data={"name": NAME})
    row = {"name": NAME, "status": "active", "type": "sdk_job", "url": url(http, NAME)}
    assert made.json() == {**DONE, "data": row}
    other = {**row, "name": "a__c", "url": url(http, "a__c")}
    assert (await http.post(QUEUES, json={"name": "a__c"})).json()["data"] == other
    assert (await http.get(QUEUES)).json() == {**DONE, "data": [other, row]}
    older = (await http.get("/api/v23.1/services/queues/")).json()["data"]
    assert [each["url"] for each in older] == [url(http, "a__c", "v23.1"), url(http, NAME, "v23.1")]
    gone = await http.delete(f"{QUEUES}/a__c")
    assert gone.json() == {**DONE, "responseMessage": "Deleted queue."}
    assert (await http.get(QUEUES)).json()["data"] == [row]


async def test_the_status_of_a_queue(http: httpx.AsyncClient, vault: Vault) -> None:
    await http.post(QUEUES, data={"name": NAME})
    for _ in range(3):
        await begin(vault)
    assert (await http.get(f"{QUEUES}/{NAME}")).json() == {
        **DONE,
        "data": [
            {
                "name": NAME,
                "status": "active",
                "type": "sdk_job",
                "url": url(http, NAME),
                "delivery": "enabled",
                "messages_in_queue": 3,
            }
        ],
    }


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({}, b""),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b""),
        ({"Content-Type": "application/json"}, b""),
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
    ],
)
async def test_delivery_is_disabled_and_enabled_whatever_body_a_client_sends(
    http: httpx.AsyncClient, headers: dict[str, str], content: bytes
) -> None:
    await http.post(QUEUES, data={"name": NAME})
    for action in ("disable_delivery", "enable_delivery"):
        for _ in range(2):
            reply = await http.put(f"{QUEUES}/{NAME}/actions/{action}", headers=headers, content=content)
            assert reply.json() == DONE
            assert (await status(http))["delivery"] == f"{action.removesuffix('_delivery')}d"


async def test_reset_cancels_what_waits(http: httpx.AsyncClient, vault: Vault) -> None:
    await http.post(QUEUES, data={"name": NAME})
    waiting = [await begin(vault) for _ in range(3)]
    reply = await http.put(f"{QUEUES}/{NAME}/actions/reset")
    assert reply.json() == {**DONE, "responseMessage": "Deleted messages in queue."}
    assert (await status(http))["messages_in_queue"] == 0
    for job_id in waiting:
        data = (await http.get(f"{V}/services/jobs/{job_id}")).json()["data"]
        assert (data["status"], "run_end_date" in data, "run_start_date" in data) == ("CANCELLED", True, False)
    listed = (await http.get(f"{V}/services/jobs/histories?status=cancelled")).json()["jobs"]
    assert {each["job_id"] for each in listed} == set(waiting)


async def test_as_xml(http: httpx.AsyncClient) -> None:
    await http.post(QUEUES, data={"name": NAME})
    reply = await http.get(f"{QUEUES}/{NAME}", headers={"Accept": "application/xml"})
    assert f"<data><data><name>{NAME}</name><status>active</status>" in reply.text


async def test_what_is_refused(http: httpx.AsyncClient, vault: Vault) -> None:
    await http.post(QUEUES, data={"name": NAME})
    await begin(vault)
    for reply, kind, shown in (
        (await http.post(QUEUES, data={"name": NAME}), "INVALID_DATA", f"[{NAME}]"),
        (await http.post(QUEUES, data={"name": "Nightly"}), "INVALID_DATA", "[Nightly]"),
        (await http.post(QUEUES), "PARAMETER_REQUIRED", "[name]"),
        (await http.delete(f"{QUEUES}/{NAME}"), "OPERATION_NOT_ALLOWED", "active jobs"),
        (await http.get(f"{QUEUES}/none__c"), "INVALID_DATA", "[none__c]"),
        (await http.put(f"{QUEUES}/none__c/actions/reset"), "INVALID_DATA", "[none__c]"),
        (await http.put(f"{QUEUES}/{NAME}/actions/explode"), "MALFORMED_URL", "could not be found"),
    ):
        error = reply.json()["errors"][0]
        assert (error["type"], shown in error["message"] or kind == "MALFORMED_URL") == (kind, True), error
        assert reply.status_code == (404 if kind == "MALFORMED_URL" else 200)


async def test_who_is_no_admin(http: httpx.AsyncClient, port: int, vault: Vault) -> None:
    await http.post(QUEUES, data={"name": NAME})
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "n@x", password="open sesame"))
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        assert (await nora.get(QUEUES)).json() == {**DONE, "data": []}
        reply = (await nora.put(f"{QUEUES}/{NAME}/actions/disable_delivery")).json()
        assert reply["errors"][0]["type"] == "INSUFFICIENT_ACCESS"
    assert (await status(http))["delivery"] == "enabled"
