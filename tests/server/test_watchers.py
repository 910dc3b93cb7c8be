"""Those who watch jobs of a real server: several processes, a stop, and streams on which nothing happens for long."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from tests.conftest import PASSWORD
from tests.server import raw
from tests.server.serving import DEADLINE, Running, Starting

pytestmark = pytest.mark.anyio

LISTENING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN \"job_status\"'"
)


@contextmanager
def logged_in(server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}/api/v26.1", timeout=DEADLINE) as http:
        told = http.post("/auth", data={"username": "admin@localhost", "password": PASSWORD}).json()
        http.headers["Authorization"] = told["sessionId"]
        yield http


def begun(http: httpx.Client) -> int:
    """A job that nobody works on."""
    reply = http.post("/objects/documents/batch/actions/fileextract", json=[{"id": "998"}])
    return int(reply.json()["job_id"])


def stream(http: httpx.Client, job_id: int, closing: ExitStack) -> Iterator[str]:
    """The lines of an event stream, on a connection of its own, that has begun."""
    one = closing.enter_context(httpx.Client(base_url=http.base_url, headers=http.headers, timeout=DEADLINE))
    reply = closing.enter_context(one.stream("GET", f"/services/jobs/{job_id}/events"))
    lines = reply.iter_lines()
    assert next(lines) == "event: status"
    return lines


def statuses(lines: Iterator[str]) -> list[str]:
    data: list[dict[str, Any]] = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data")]
    return [each["status"] for each in data if "status" in each]


def served_by(server: Running) -> list[int]:
    """How many connections each web process has."""
    return [
        sum(each.status == psutil.CONN_ESTABLISHED for each in process.net_connections("tcp"))
        for process in server.children("_web")
    ]


async def test_two_web_processes_listen_once_each(start_prepared: Starting, database_url: str) -> None:
    server = start_prepared("--workers", 0, "--web", 2, "--no-tls", "--limits", "off")
    with ExitStack() as closing:
        http = closing.enter_context(logged_in(server))
        job_id, streams, deadline = begun(http), list[Iterator[str]](), time.monotonic() + DEADLINE
        # Which process takes a connection is chance.
        while len(streams) < 20 or min(served_by(server)) < 3:
            assert time.monotonic() < deadline, "one web process takes all connections"
            streams.append(stream(http, job_id, closing))
        connection = await asyncpg.connect(database_url)
        try:
            assert await connection.fetchval(LISTENING) == 2
        finally:
            await connection.close()
        http.post(f"/services/jobs/{job_id}/actions/cancel")
        assert [statuses(each) for each in streams] == [["QUEUEING", "CANCELLED", "CANCELLED"]] * len(streams)


def test_a_stop_answers_all_who_wait(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0, "--no-tls", "--limits", "off")
    with ExitStack() as closing:
        http = closing.enter_context(logged_in(server))
        job_id = begun(http)
        lines = stream(http, job_id, closing)
        waiting = closing.enter_context(raw.connect(server))
        head = f"Host: localhost\r\nAuthorization: {http.headers['Authorization']}\r\n\r\n"
        waiting.sendall(f"GET /api/v26.1/services/jobs/{job_id}?wait=60 HTTP/1.1\r\n{head}".encode())
        # A call that comes later and is answered: the one before has been taken up.
        http.get(f"/services/jobs/{job_id}/details")
        assert server.stop() == 0
        (reply,) = raw.replies(raw.rest(waiting))
        assert reply.json["data"]["status"] == "QUEUEING"
        assert statuses(lines) == ["QUEUEING"]
    assert "cut off" not in server.log.whole()


def test_an_idle_stream_is_not_cut_off(start_prepared: Starting) -> None:
    """A sign of life comes after 15 seconds, which is longer than all that else is waited for here."""
    server = start_prepared("--workers", 0, "--no-tls", "--limits", "off", "--head-seconds", 1, "--stall-seconds", 1)
    with ExitStack() as closing:
        http = closing.enter_context(logged_in(server))
        job_id = begun(http)
        lines = stream(http, job_id, closing)
        assert next(line for line in lines if line.startswith(":")) == ": keep-alive"
        http.post(f"/services/jobs/{job_id}/actions/cancel")
        assert statuses(lines) == ["CANCELLED", "CANCELLED"]
