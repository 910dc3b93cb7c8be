"""The limits of a real server: of one with two web processes, and of two that share a database."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from tests.conftest import ADMIN, PASSWORD
from tests.server.serving import DEADLINE, Running, Starting

API = "/api/v26.1"
ME = f"{API}/objects/users/me"
EXPORT = f"{API}/objects/documents/batch/actions/fileextract"


class Client:
    """One connection to a server, which stays open: so it is always answered by the same web process."""

    def __init__(self, server: Running) -> None:
        where = urlsplit(server.url)
        assert where.hostname
        self._http = HTTPConnection(where.hostname, where.port, timeout=DEADLINE)
        self._http.connect()
        self.port: int = self._http.sock.getsockname()[1]
        self.headers: dict[str, str] = {}
        self.session: dict[str, str] = {}

    def call(self, method: str, path: str, body: str = "", kind: str = "") -> dict[str, Any]:
        """Send a request; gives the envelope, and keeps the headers."""
        self._http.request(method, path, body, self.session | ({"Content-Type": kind} if kind else {}))
        reply = self._http.getresponse()
        self.headers = {name.lower(): value for name, value in reply.getheaders()}
        envelope: dict[str, Any] = json.loads(reply.read())
        return envelope

    def log_in(self, password: str = PASSWORD) -> str:
        """SUCCESS, or the type of the error."""
        form = urlencode({"username": ADMIN, "password": password})
        told = self.call("POST", f"{API}/auth", form, "application/x-www-form-urlencoded")
        if "sessionId" in told:
            self.session = {"Authorization": told["sessionId"]}
        return word(told)

    def left(self) -> int:
        """How many calls are left, this one being one of them."""
        assert self.call("GET", ME)["responseStatus"] == "SUCCESS"
        return int(self.headers["x-vaultapi-burstlimitremaining"])

    def is_slow(self) -> bool:
        """Whether a call is delayed."""
        began = time.monotonic()
        self.left()
        if "x-vaultapi-responsedelay" not in self.headers:
            return False
        assert self.headers["x-vaultapi-responsedelay"] == "500"
        assert time.monotonic() - began >= 0.49
        return True

    def close(self) -> None:
        self._http.close()


def word(told: dict[str, Any]) -> str:
    word: str = told["errors"][0]["type"] if told["responseStatus"] == "FAILURE" else told["responseStatus"]
    return word


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def one_client_of_each_process(server: Running, closing: ExitStack) -> list[Client]:
    """Connect until each of two web processes has taken a connection; which of them takes one is chance."""
    deadline, found = time.monotonic() + DEADLINE, dict[int, Client]()
    while len(found) < 2:
        assert time.monotonic() < deadline, "one web process takes all connections"
        client = Client(server)
        closing.callback(client.close)
        client.call("GET", "/api/")
        for process in server.children("_web"):
            if client.port in ports_of_peers(process):
                found.setdefault(process.pid, client)
    return list(found.values())


def ports_of_peers(process: psutil.Process) -> set[int]:
    return {each.raddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_ESTABLISHED}


def check_limits(one: Client, two: Client) -> None:
    """Two clients of two processes whose limits are 60 calls and 4 logins."""
    assert [each.log_in() for each in (one, two, one)] == ["SUCCESS"] * 3
    assert [each.log_in() for each in (two, one, two)] == ["SUCCESS", *["API_LIMIT_EXCEEDED"] * 2]
    assert int(two.headers["x-vaultapi-responsedelay"]) == 500

    job_id = one.call("POST", EXPORT, '[{"id": "998"}]', "application/json")["job_id"]
    polls = [word(each.call("GET", f"{API}/services/jobs/{job_id}")) for each in (one, two, one, two)]
    assert polls == ["SUCCESS", *["API_LIMIT_EXCEEDED"] * 3]

    # What the two know of each other may be 250 ms old.
    deadline = time.monotonic() + DEADLINE
    before = one.left()
    while two.left() != before - 1:
        assert time.monotonic() < deadline, "they do not count together"
        time.sleep(0.3)
        before = one.left()
    for _ in range(before):
        one.left()
    while not two.is_slow():
        assert time.monotonic() < deadline
    assert one.is_slow()


def test_two_web_processes_of_one_server(start_prepared: Starting, closing: ExitStack) -> None:
    limits = ("--burst-limit", 60, "--auth-burst-limit", 4)
    server = start_prepared("--web", 2, "--workers", 0, "--no-tls", *limits)
    one, two = one_client_of_each_process(server, closing)
    check_limits(one, two)


def test_two_servers_of_one_database(start_prepared: Starting, closing: ExitStack, place: Path) -> None:
    options = ("--workers", 0, "--no-tls", "--burst-limit", 60, "--auth-burst-limit", 4)
    clients = [Client(start_prepared(*options, data_dir=place / name)) for name in ("one", "two")]
    for client in clients:
        closing.callback(client.close)
    check_limits(*clients)
