"""Jobs: started by the calls of their kinds, polled, listed, cancelled, and what they leave."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs
from tests.api.http_server import logged_in
from tests.api.kind_for_tests import Broken, Greeting

from strongroom.api.kinds import mounted
from strongroom.api.routing import Router
from strongroom.engine import worker
from strongroom.sdk.registry import Kinds
from strongroom.services import job_runs, users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

JOBS = "/api/v26.1/services/jobs"
GREET = "/api/v26.1/rooms/kitchen/actions/greet"


@pytest.fixture
def job_kinds() -> Kinds:
    return {"greeting": Greeting(), "broken": Broken()}


@pytest.fixture
async def working(system_vault: Vault, job_kinds: Kinds) -> AsyncIterator[None]:
    """A worker that runs the jobs of this file."""
    stop = asyncio.Event()
    identity = "00000000-0000-4000-8000-000000000002"
    running = asyncio.create_task(worker.run(system_vault, job_kinds, worker_id=identity, stop=stop))
    yield
    stop.set()
    await running


async def finished(http: httpx.AsyncClient, job_id: int) -> dict[str, object]:
    """Wait until a job has ended: by its details, which have no limit."""
    async with asyncio.timeout(20):
        while True:
            data: dict[str, object] = (await http.get(f"{JOBS}/{job_id}/details")).json()["data"]
            if "run_end_date" in data:
                return data
            await asyncio.sleep(0.05)


async def test_status_of_a_queued_job(http: httpx.AsyncClient) -> None:
    started = (await http.post(GREET)).json()
    job_id = started["job_id"]
    assert started == {"responseStatus": "SUCCESS", "url": f"{JOBS}/{job_id}", "job_id": job_id}
    reply = (await http.get(f"/api/v18.3/services/jobs/{job_id}")).json()
    data = reply["data"]
    assert reply["responseMessage"] == "OK"
    assert list(data) == ["id", "status", "method", "links", "created_by", "created_date"]
    assert (data["id"], data["status"], data["method"]) == (job_id, "QUEUEING", "POST")
    assert data["links"] == [
        {"rel": "self", "href": f"/api/v18.3/services/jobs/{job_id}", "method": "GET", "accept": "application/json"}
    ]
    assert data["created_date"].endswith(".000Z")


async def test_status_as_xml(http: httpx.AsyncClient) -> None:
    job_id = (await http.post(GREET)).json()["job_id"]
    text = (await http.get(f"{JOBS}/{job_id}", headers={"Accept": "application/xml"})).text
    assert (
        f"<JobStatusRestResult><responseStatus>SUCCESS</responseStatus><responseMessage>OK</responseMessage><data><id>{job_id}</id>"
        in text
    )
    assert "<links><link><rel>self</rel>" in text


@pytest.mark.usefixtures("working")
async def test_a_job_from_start_to_results(http: httpx.AsyncClient) -> None:
    body = [{"id": "1", "name": "Ann", "unknown": None}, {"id": 2}]
    job_id = (await http.post("/api/v26.1/rooms/batch/actions/greet?loud=True", json=body)).json()["job_id"]
    details = await finished(http, job_id)
    assert details["tasks"] == {"total": 2, "queued": 0, "running": 0, "success": 2, "errors_encountered": 0}
    assert (details["kind"], details["title"], details["status"]) == ("greeting", "Greeting", "SUCCESS")
    status = (await http.get(f"{JOBS}/{job_id}")).json()["data"]
    link = status["links"][1]
    assert link == {
        "rel": "artifacts",
        "href": f"/api/v26.1/rooms/actions/greet/{job_id}/results",
        "method": "GET",
        "accept": "application/json",
    }
    results = (await http.get(link["href"])).json()
    assert results == {"responseStatus": "SUCCESS", "data": ["Hello, Ann", "Hello, nobody"]}
    log = await http.get(f"{JOBS}/{job_id}/log")
    assert log.headers["content-type"] == "text/plain;charset=UTF-8"
    assert " greeted\n" in log.text
    assert all(line[:24].endswith("Z") for line in log.text.splitlines())
    tasks = (await http.get(f"{JOBS}/{job_id}/tasks")).json()
    assert tasks == {
        "responseStatus": "SUCCESS", "url": f"{JOBS}/{job_id}/tasks?limit=50&offset=0",
        "responseDetails": {"total": 0, "limit": 50, "offset": 0}, "job_id": job_id, "tasks": [],
    }  # fmt: skip


async def test_results_of_an_active_job_are_refused(http: httpx.AsyncClient) -> None:
    job_id = (await http.post(GREET)).json()["job_id"]
    reply = await http.get(f"/api/v26.1/rooms/actions/greet/{job_id}/results")
    assert reply.status_code == 200
    assert reply.json()["errors"][0]["type"] == "OPERATION_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("body", "kind", "names"),
    [
        (b"[]", "INVALID_DATA", "at least one row"),
        (b"", "INVALID_DATA", "at least one row"),
        (b'[{"name": "Ann"}]', "PARAMETER_REQUIRED", "Missing required parameter [id] in row 1"),
        (b'[{"id": ""}]', "PARAMETER_REQUIRED", "[id]"),
        (b'[{"id": 1}, {"id": "x7"}]', "INVALID_DATA", "[x7] specified for parameter [id] in row 2"),
        (b'[{"id": 1]', "INVALID_DATA", "not valid JSON"),
        (b'["1"]', "INVALID_DATA", "array of objects"),
        (b"[" * 5000, "INVALID_DATA", "not valid JSON"),
        (b'[{"id": 1, "name": "a\\u0000"}]', "INVALID_DATA", "[name] holds a NUL"),
    ],
)
async def test_bad_rows(http: httpx.AsyncClient, body: bytes, kind: str, names: str) -> None:
    reply = await http.post(
        "/api/v26.1/rooms/batch/actions/greet", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 200
    error = reply.json()["errors"][0]
    assert error["type"] == kind
    assert names in error["message"]


@pytest.mark.parametrize("how", ["query", "form", "multipart", "json", "chunked"])
async def test_fields_come_in_every_way(http: httpx.AsyncClient, vault: Vault, how: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"loud=TR", b"UE&times=", b"3&other=1"):
            yield piece

    if how == "query":
        reply = await http.post(GREET, params={"loud": "True", "times": "3", "other": "1"})
    elif how == "form":
        reply = await http.post(GREET, data={"loud": "TRUE", "times": "3", "other": ""})
    elif how == "multipart":
        reply = await http.post(
            GREET, files={"loud": (None, "true"), "times": (None, "3"), "file": ("x.bin", b"passed over")}
        )
    elif how == "json":
        reply = await http.post(GREET, json={"loud": True, "times": 3})
    else:
        reply = await http.post(GREET, content=pieces(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    job_id = reply.json()["job_id"]
    _, given = await job_runs.retrieve_with_input(vault, int(job_id))
    assert (given["loud"], given["times"], given["room"]) == (True, 3, "kitchen")


async def test_lists(http: httpx.AsyncClient) -> None:
    ids = [(await http.post(GREET)).json()["job_id"] for _ in range(3)]
    for job_id in ids[:2]:
        cancelled = (await http.post(f"{JOBS}/{job_id}/actions/cancel")).json()
        assert cancelled == {"responseStatus": "SUCCESS", "job_id": job_id, "url": f"{JOBS}/{job_id}"}
    histories = (
        await http.get(
            f"{JOBS}/histories", params={"status": "Cancelled", "start_date": "2026-03-04T07:00Z", "limit": 1}
        )
    ).json()
    url = f"{JOBS}/histories?start_date=2026-03-04T07%3A00Z&status=Cancelled&limit=1&offset="
    assert histories["url"] == f"{url}0"
    assert histories["responseDetails"] == {"total": 2, "limit": 1, "offset": 0, "next_page": f"{url}1"}
    assert [job["job_id"] for job in histories["jobs"]] == [ids[1]]
    assert list(histories["jobs"][0]) == [
        "job_id",
        "title",
        "status",
        "created_by",
        "created_date",
        "modified_by",
        "modified_date",
        "run_end_date",
    ]
    second = (await http.get(histories["responseDetails"]["next_page"])).json()
    assert second["responseDetails"] == {"total": 2, "limit": 1, "offset": 1, "previous_page": f"{url}0"}
    assert [job["job_id"] for job in second["jobs"]] == [ids[0]]
    monitors = (await http.get(f"{JOBS}/monitors")).json()
    assert [(job["job_id"], job["status"]) for job in monitors["jobs"]] == [(ids[2], "QUEUEING")]
    assert (await http.get(f"{JOBS}/histories?status=timeout")).json()["jobs"] == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("histories?status=running", "[running]"),
        ("monitors?status=success", "[success]"),
        ("histories?limit=0", "[limit]"),
        ("histories?limit=201", "[201]"),
        ("monitors?offset=-1", "[-1]"),
        ("histories?start_date=yesterday", "[yesterday]"),
        ("histories?start_date=2026-13-01", "[start_date]"),
        ("abc", "[abc]"),
        ("9999999999999999999999999999999999999999", "[job_id]"),
        ("77", "[77]"),
        ("77/tasks", "[77]"),
    ],
)
async def test_bad_requests_are_named(http: httpx.AsyncClient, path: str, names: str) -> None:
    reply = await http.get(f"{JOBS}/{path}")
    assert reply.status_code == 200
    error = reply.json()["errors"][0]
    assert error["type"] == "INVALID_DATA"
    assert names in error["message"]


async def test_jobs_of_others(http: httpx.AsyncClient, vault: Vault, port: int) -> None:
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", password="open sesame"))
    job_id = (await http.post(GREET)).json()["job_id"]
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        own = (await nora.post(GREET)).json()["job_id"]
        assert (await nora.get(f"{JOBS}/{own}")).json()["responseStatus"] == "SUCCESS"
        for path in (f"{JOBS}/{job_id}", f"{JOBS}/{job_id}/log", f"{JOBS}/histories"):
            assert (await nora.get(path)).json()["errors"][0]["type"] == "INSUFFICIENT_ACCESS"
    assert (await http.get(f"{JOBS}/{own}")).json()["responseStatus"] == "SUCCESS"


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
async def test_what_nobody_has_foreseen(http: httpx.AsyncClient, accept: str) -> None:
    with capture_logs() as logs:
        reply = await http.post("/api/v26.1/rooms/actions/break", headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["X-VaultAPI-Status"] == "EXCEPTION"
    assert "secret" not in reply.text
    reference = reply.headers["X-VaultAPI-ExecutionId"]
    assert reference in reply.text
    assert "UNEXPECTED_ERROR" in reply.text
    assert [(log["event"], log["reference"], log["log_level"]) for log in logs] == [
        ("unexpected error", reference, "error")
    ]


def test_two_calls_of_one_path_are_refused() -> None:
    with pytest.raises(ValueError, match=r"POST /rooms/\{room\}/actions/greet is declared twice"):
        Router(mounted([Greeting(), Greeting()]))
