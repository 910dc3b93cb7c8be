"""Custom jobs of a real server: its jobs folder, SIGHUP, HTTP and the command line."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.conftest import prepared_database
from tests.engine import custom_job_files as files
from tests.process.vault_client import VaultClient
from tests.server.serving import DEADLINE, Running, environment, launch, open_place, serving, with_password


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Running]:
    """A server whose jobs folder is ``our jobs``, beside its data directory; two workers have loaded it."""
    with open_place() as place, prepared_database(postgres_url) as url:
        (place / "our jobs").mkdir()
        (place / "our jobs" / "audit.py").write_text(files.AUDIT)
        data_dir = with_password(place / "data")
        options = ("--jobs-dir", place / "our jobs", "--workers", 2, "--limits", "off")
        with serving(launch("--data-dir", data_dir, "--database-url", url, *options), data_dir) as running:
            yield running


@pytest.fixture
def client(server: Running) -> Iterator[VaultClient]:
    with VaultClient.logged_in(server) as client:
        yield client


def start_job(client: VaultClient, name: str, **content: Any) -> dict[str, Any]:
    reply: dict[str, Any] = client.http.post(f"{client.base}/services/jobs/start/{name}", **content).json()
    return reply


def eventually(asked: Callable[[], dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE
    while not wanted(reply := asked()):
        assert time.monotonic() < deadline, f"the last reply is {reply}"
        time.sleep(0.1)
    return reply


def typed(server: Running, *words: str) -> subprocess.CompletedProcess[str]:
    changed = environment(STRONGROOM_DATA_DIR=str(server.data_dir))
    command = [sys.executable, "-m", "strongroom", "jobs", *words]
    return subprocess.run(command, capture_output=True, text=True, env=changed, timeout=DEADLINE, check=False)


@pytest.mark.parametrize("body", [{"data": {"count": "5", "fail": "true"}}, {"json": {"count": 5, "fail": True}}])
def test_http_starts_one_whose_tasks_and_progress_are_shown(client: VaultClient, body: dict[str, Any]) -> None:
    started = start_job(client, "audit__c", **body)
    assert started["responseStatus"] == "SUCCESS"
    assert started["url"] == f"/api/v26.1/services/jobs/{started['job_id']}"
    job = client.wait_for(started["job_id"])
    assert (job["status"], job["method"]) == ("ERRORS_ENCOUNTERED", "POST")
    assert job["progress"] == [{"status": "SUCCESS", "size": 2}, {"status": "ERRORS_ENCOUNTERED", "size": 1}]
    tasks = client.get(f"services/jobs/{job['id']}/tasks?limit=2&offset=1").json()
    assert [(task["id"], task["state"]) for task in tasks["tasks"]] == [
        ("Task2", "ERRORS_ENCOUNTERED"),
        ("Task3", "SUCCESS"),
    ]
    assert tasks["responseDetails"]["total"] == 3


def test_what_http_refuses(client: VaultClient) -> None:
    def refusal(reply: dict[str, Any]) -> tuple[str, str]:
        (error,) = reply["errors"]
        return error["type"], error["message"]

    kind, told = refusal(start_job(client, "audit__c", json={"x": "x" * 9000}))
    assert kind == "INVALID_DATA"
    assert "8 KB (8,192) are the most" in told
    assert refusal(start_job(client, "audit__c", json=[{"count": 5}]))[0] == "INVALID_DATA"
    assert refusal(start_job(client, "other__c")) == (
        "INVALID_DATA",
        "There is no job metadata [other__c]: no worker has loaded a job of this name.",
    )


def test_the_command_line_starts_one(server: Running, client: VaultClient) -> None:
    done = typed(server, "start", "audit__c", "--param", "count=4", "--param", "fail=a=b", "--json")
    assert done.returncode == 0, done.stderr
    job = client.wait_for(json.loads(done.stdout)["job_id"])
    assert (job["status"], len(job["progress"])) == ("ERRORS_ENCOUNTERED", 2)
    assert "The value [a=b] of [fail] is not true or false." in typed(server, "log", str(job["id"])).stdout
    wrong = typed(server, "start", "audit__c", "--param", "count")
    assert (wrong.returncode, wrong.stderr) == (2, "strongroom: --param count must be like since=2026-03-04.\n")
    unknown = typed(server, "start", "other__c")
    assert unknown.returncode == 1
    assert "There is no job metadata [other__c]" in unknown.stderr


def test_hang_up_loads_new_files_and_names_broken_ones(server: Running, client: VaultClient) -> None:
    """The jobs are those of files that no other test uses: the server is shared."""
    jobs_dir = server.data_dir.parent / "our jobs"
    broken = files.with_process("breaks__c", "pass")
    (jobs_dir / "new.py").write_text(files.ASYNC)
    (jobs_dir / "breaks.py").write_text(broken + "\nraise ValueError('not today')\n")
    server.process.send_signal(signal.SIGHUP)
    started = eventually(
        lambda: start_job(client, "async__c"), lambda reply: bool(reply["responseStatus"] == "SUCCESS")
    )
    assert client.wait_for(started["job_id"])["status"] == "SUCCESS"
    error = start_job(client, "breaks__c")["errors"][0]
    assert error["type"] == "OPERATION_NOT_ALLOWED"
    assert f"ValueError: not today (breaks.py:{broken.count(chr(10)) + 2})" in error["message"]
