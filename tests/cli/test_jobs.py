"""``strongroom jobs`` against a real server, as it is typed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.server.serving import DEADLINE, Running, environment, open_place, shared_server

from strongroom.cli import client


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Running]:
    # Each command logs in: together they are more logins than a user name has in a minute.
    with shared_server(postgres_url, "--limits", "off") as running:
        yield running


@pytest.fixture(scope="module")
def ended(server: Running) -> int:
    """A job that has ended with errors: it exports documents that do not exist."""
    with client.session(client.server_of(server.data_dir)) as api:
        told = api.post("/objects/documents/batch/actions/fileextract", json=[{"id": "998"}, {"id": "999"}])
    done = typed(server, "watch", told["job_id"])
    assert done.returncode == 1
    assert done.stdout.endswith("has ended: ERRORS_ENCOUNTERED\n")
    return int(told["job_id"])


def typed(server: Running, *words: object, **changed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "strongroom", "jobs", *map(str, words)]
    if "--url" not in words:
        changed["STRONGROOM_DATA_DIR"] = str(server.data_dir)
    return subprocess.run(
        command, capture_output=True, text=True, env=environment(**changed), timeout=DEADLINE, check=False
    )


def exports(listed: str) -> list[dict[str, Any]]:
    """The exports of a list; a Vault has jobs of its own, too."""
    return [row for row in json.loads(listed) if row["title"] == "Export Documents"]


def test_list(server: Running, ended: int) -> None:
    shown = typed(server, "list").stdout
    assert "Export Documents" in shown
    assert "ERRORS_ENCOUNTERED" in shown
    (row,) = exports(typed(server, "list", "--json").stdout)
    assert (row["job_id"], row["status"]) == (ended, "ERRORS_ENCOUNTERED")


@pytest.mark.parametrize(("status", "count"), [("errors_encountered", 1), ("SUCCESS,running", 0), ("queued", 0)])
def test_list_of_some_statuses(server: Running, ended: int, status: str, count: int) -> None:
    assert len(exports(typed(server, "list", "--json", "--status", status).stdout)) == count


def test_show(server: Running, ended: int) -> None:
    shown = typed(server, "show", ended).stdout
    assert "1 errors encountered" in shown
    assert json.loads(typed(server, "show", ended, "--json").stdout)["kind"] == "export_documents"


def test_log(server: Running, ended: int) -> None:
    lines = typed(server, "log", ended).stdout.splitlines()
    assert any("[998]" in line for line in lines)
    assert lines[-1].endswith("(COMPLETED_WITH_ERRORS)")


def test_watch_shows_each_line_of_the_log_once(server: Running, ended: int) -> None:
    shown = typed(server, "watch", ended).stdout
    assert shown.count("Job Finish Time") == 1


@pytest.mark.parametrize("command", ["show", "log", "watch", "cancel"])
def test_an_unknown_job(server: Running, command: str) -> None:
    done = typed(server, command, 424242)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("strongroom: ")
    assert "424242" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_scheduled_job_is_started_now(server: Running) -> None:
    def planned() -> int:
        listed = json.loads(typed(server, "list", "--json", "--status", "scheduled").stdout)
        return int(next(row["job_id"] for row in listed if row["title"] == "File Staging Retention"))

    job_id = planned()
    assert typed(server, "start-now", job_id).stdout == f"Job {job_id} is started.\n"
    watched = typed(server, "watch", job_id)
    assert watched.returncode == 0, watched.stderr
    assert "Extracted files deleted: 0" in watched.stdout
    assert planned() > job_id
    again = typed(server, "start-now", job_id)
    assert again.returncode == 1
    assert "its status is SUCCESS, not SCHEDULED" in again.stderr


def test_a_job_that_has_ended_is_not_cancelled(server: Running, ended: int) -> None:
    done = typed(server, "cancel", ended)
    assert done.returncode == 1
    assert "ERRORS_ENCOUNTERED" in done.stderr


def test_by_address(server: Running, ended: int) -> None:
    known = client.server_of(server.data_dir)
    who = {"STRONGROOM_USER": known.user, "STRONGROOM_PASSWORD": known.password}
    trusting = typed(server, "list", "--json", "--url", known.url, "--cacert", known.authority, **who)
    assert [row["job_id"] for row in exports(trusting.stdout)] == [ended]
    assert "--cacert" in typed(server, "list", "--url", known.url, **who).stderr
    wrong = who | {"STRONGROOM_PASSWORD": "wrong"}
    done = typed(server, "list", "--url", known.url, "--cacert", known.authority, **wrong)
    assert "USERNAME_OR_PASSWORD_INCORRECT" in done.stderr


def test_the_server_is_gone(server: Running) -> None:
    with open_place() as place:
        server_file = server.data_dir / "server.json"
        told = json.loads(server_file.read_text()) | {"url": "https://localhost:1"}
        (place / "server.json").write_text(json.dumps(told))
        done = typed(server, "list", "--data-dir", place, STRONGROOM_PASSWORD="x")
    assert "https://localhost:1 does not answer" in done.stderr


KNOWN = {"STRONGROOM_USER": "admin@localhost", "STRONGROOM_PASSWORD": "x"}


def refused(*words: object, code: int, **changed: str) -> str:
    """The one sentence with which a command ends that has no terminal."""
    command = [sys.executable, "-m", "strongroom", "jobs", "list", *map(str, words)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(**changed),
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("strongroom: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("known", [{}, {"STRONGROOM_USER": "admin@localhost"}])
def test_without_a_terminal_nobody_is_asked(known: dict[str, str]) -> None:
    sentence = refused("--url", "https://localhost:1", code=2, **known)
    assert "set STRONGROOM_USER and STRONGROOM_PASSWORD" in sentence


@pytest.mark.parametrize("url", ["localhost:1", "https://[", "ftp://localhost", "https://", "https://host:port", "x"])
def test_an_address_that_is_none(url: str) -> None:
    assert f"--url {url} is not the address of a server" in refused("--url", url, code=2)


def test_nobody_listens_there() -> None:
    sentence = refused("--url", "https://localhost:1", code=1, **KNOWN)
    assert "https://localhost:1 does not answer" in sentence
    assert "Correct --url, or start it." in sentence


def test_a_certificate_that_nobody_vouches_for(server: Running) -> None:
    assert "by --cacert" in refused("--url", server.url, code=1, **KNOWN)


def test_a_certificate_for_another_name(server: Running) -> None:
    url = server.url.replace("localhost", "127.1")  # the same address, spelled in a way that no certificate has
    authority = server.data_dir / "tls" / "ca.pem"
    assert "serve --dns" in refused("--url", url, "--cacert", authority, code=1, **KNOWN)
