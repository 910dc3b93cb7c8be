"""``strongroom serve`` as a whole: real processes, real signals, real kills."""

import json
import os
import pwd
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.server.serving import DEADLINE, Running, Starting, launch

ROOT = os.geteuid() == 0


def eventually(condition: Callable[[], object], patience: float = DEADLINE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def refused(*options: object, code: int = 1, **changed: Any) -> str:
    """The sentence with which a server does not start."""
    with launch(*options, **changed) as process:
        try:
            out, err = process.communicate(timeout=DEADLINE)
        finally:
            process.terminate()
    assert process.returncode == code, err
    assert out == ""
    assert err.count("\n") == 1, err
    return err


def test_it_is_ready_answers_and_stops(start: Starting) -> None:
    server = start()
    status, body = server.get("/api/")
    assert status == 200
    assert json.loads(body)["responseStatus"] == "SUCCESS"
    family = server.family()
    assert {child.name() for child in family} >= {"postgres"}
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    assert not [process for process in family if process.is_running()]


def test_what_it_leaves_is_closed_to_others_and_ctrl_c_stops_it_cleanly(start: Starting) -> None:
    server = start()
    modes = {name: stat.S_IMODE((server.data_dir / name).stat().st_mode) for name in ("admin-password", "server.json")}
    assert modes == {"admin-password": 0o600, "server.json": 0o600}
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    told = json.loads((server.data_dir / "server.json").read_text())
    assert told == {
        "url": server.url,
        "ca": str(server.data_dir / "tls" / "ca.pem"),
        "admin_user": "admin@localhost",
        "pid": server.process.pid,
    }
    assert server.stop(signal.SIGINT) == 0
    assert not (server.data_dir / "server.json").exists()


def test_the_password_is_printed_once_and_kept(start: Starting, anyio_backend: str, empty_database_url: str) -> None:
    options = ("--workers", 0, "--database-url", empty_database_url)
    first = start(*options)
    password = (first.data_dir / "admin-password").read_text().strip()
    first.stop()
    assert first.log.whole().count(password) == 1
    second = start(*options)
    assert (second.data_dir / "admin-password").read_text().strip() == password
    second.stop()
    assert password not in second.log.whole()


def test_a_given_password_is_not_kept(start: Starting, anyio_backend: str, empty_database_url: str) -> None:
    server = start("--workers", 0, "--database-url", empty_database_url, STRONGROOM_ADMIN_PASSWORD="a password of mine")
    server.stop()
    assert "a password of mine" not in server.log.whole()
    assert not (server.data_dir / "admin-password").exists()


def test_a_killed_supervisor_leaves_no_process_behind(start: Starting) -> None:
    server = start()
    family = server.family()
    assert len(family) > 3
    server.process.kill()
    _, alive = psutil.wait_procs(family, timeout=DEADLINE)
    assert alive == []
    assert start(data_dir=server.data_dir).get("/api/")[0] == 200


@pytest.mark.parametrize("role", ["_web", "_worker"])
def test_a_killed_child_is_replaced(start_prepared: Starting, role: str) -> None:
    server = start_prepared()
    (child,) = server.children(role)
    child.kill()
    eventually(lambda: [one for one in server.children(role) if one.pid != child.pid])
    assert server.get("/api/")[0] == 200
    assert server.stop() == 0


def test_a_killed_postgres_is_replaced(start: Starting) -> None:
    server = start()
    (old,) = server.postmasters()
    old.kill()
    eventually(lambda: [one for one in server.postmasters() if one.pid != old.pid])
    assert server.stop() == 0


def test_a_killed_watcher_is_replaced_so_that_no_database_stays_behind(start: Starting) -> None:
    server = start("--workers", 0)
    (old,) = server.watchers()
    old.kill()
    eventually(lambda: [one for one in server.watchers() if one.pid != old.pid])
    family = server.family()
    server.process.kill()
    assert psutil.wait_procs(family, timeout=DEADLINE)[1] == []


def test_hang_up_gives_new_workers_and_keeps_the_web(start_prepared: Starting) -> None:
    server = start_prepared("--web", 2, "--workers", 2)
    web, workers = server.children("_web"), server.children("_worker")
    assert (len(web), len(workers)) == (2, 2)
    assert all(worker.nice() == 5 + psutil.Process().nice() for worker in workers)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: not [one for one in workers if one.is_running()])
    eventually(lambda: len(server.children("_worker")) == 2)
    assert server.children("_web") == web
    assert server.stop() == 0


def test_a_second_server_on_the_same_directory_is_refused(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0)
    sentence = refused("--data-dir", server.data_dir)
    assert str(server.process.pid) in sentence
    assert str(server.data_dir) in sentence
    assert server.get("/api/")[0] == 200


def test_a_port_in_use(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} " in refused("--data-dir", place / "data", "--port", port)


def test_a_database_that_cannot_be_reached(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sentence = refused("--data-dir", place / "data", "--database-url", f"postgresql://me:secret@127.0.0.1:{port}/vault")
    assert f"127.0.0.1:{port}/vault cannot be reached" in sentence
    assert "secret" not in sentence


def test_a_bad_value(place: Path) -> None:
    assert "--web x cannot be used" in refused("--data-dir", place / "data", "--web", "x", code=2)


def test_a_data_directory_that_is_a_file(place: Path) -> None:
    (place / "data").write_text("mine")
    assert str(place / "data") in refused("--data-dir", place / "data")
    assert (place / "data").read_text() == "mine"


def test_ephemeral_keeps_nothing(start: Starting) -> None:
    server = start("--ephemeral", "--workers", 0)
    assert server.get("/api/")[0] == 200
    server.stop()
    assert not server.data_dir.exists()


def test_ephemeral_keeps_nothing_after_a_kill(start: Starting) -> None:
    server = start("--ephemeral")
    server.process.kill()
    eventually(lambda: not server.data_dir.exists())


def test_ephemeral_never_removes_what_was_there(place: Path) -> None:
    (place / "data").mkdir()
    (place / "data" / "mine").write_text("mine")
    assert "not empty" in refused("--data-dir", place / "data", "--ephemeral", code=2)
    assert (place / "data" / "mine").read_text() == "mine"


def test_plain_http(plain_server: Running) -> None:
    assert plain_server.url.startswith("http://localhost:")
    assert plain_server.get("/api/")[0] == 200


def test_a_path_of_200_characters(start: Starting, place: Path) -> None:
    long = place / ("d" * (199 - len(str(place))))
    assert len(str(long)) == 200
    assert start("--workers", 0, data_dir=long).get("/api/")[0] == 200


def test_an_open_request_gets_its_answer_at_a_stop(start_prepared: Starting) -> None:
    server = start_prepared("--no-tls")
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as request:
        request.sendall(b"POST /api/v26.1/auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n")
        request.sendall(b"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n")
        assert request.recv(1024).startswith(b"HTTP/1.1 100")  # the server is in the middle of it
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: not server.children("_worker"))
        request.sendall(b"a=")
        assert b"FAILURE" in request.recv(65536)
    assert server.process.wait(DEADLINE) == 0


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_as_an_ordinary_user(start: Starting, place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    server = start(data_dir=home / "data", user=nobody, HOME=str(home))
    assert {process.username() for process in server.family()} == {"nobody"}
    assert server.get("/api/")[0] == 200
    assert server.stop() == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.skipif(not ROOT, reason="only root runs the database as another user")
def test_as_root_in_a_closed_home(start: Starting, place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    server = start("--workers", 0, data_dir=home / "data")
    assert server.get("/api/")[0] == 200
    assert server.stop() == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
