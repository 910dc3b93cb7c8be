"""``strongroom jobs watch``: left by Ctrl-C, cut off by a restart of the server, and on a terminal."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

from tests.server.serving import DEADLINE, Running, Starting, environment

from strongroom.cli import client, event_stream


def begun(server: Running) -> int:
    """A job that exports documents that do not exist."""
    with client.session(client.server_of(server.data_dir)) as api:
        told = api.post("/objects/documents/batch/actions/fileextract", json=[{"id": "998"}, {"id": "999"}])
    return int(told["job_id"])


def watching(server: Running, job_id: int, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "strongroom", "jobs", "watch", str(job_id)]
    changed = environment(STRONGROOM_DATA_DIR=str(server.data_dir), TERM="xterm", COLUMNS="200", NO_COLOR="1")
    return subprocess.Popen(command, text=True, env=changed, stdout=stdout, stderr=subprocess.PIPE)


def test_it_is_left_without_a_word(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0)
    job_id = begun(server)
    with watching(server, job_id) as watch:
        assert watch.stdout
        assert watch.stdout.readline() == f"Job {job_id}: QUEUEING\n"
        watch.send_signal(signal.SIGINT)
        out, err = watch.communicate(timeout=DEADLINE)
    assert (watch.returncode, out, err) == (130, "", "")


def test_it_goes_on_when_the_server_comes_back(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0)
    job_id, port = begun(server), server.url.rpartition(":")[2]
    with watching(server, job_id) as watch:
        assert watch.stdout
        assert watch.stdout.readline() == f"Job {job_id}: QUEUEING\n"
        assert server.stop() == 0
        start_prepared("--port", port)
        out, err = watch.communicate(timeout=DEADLINE)
    assert (watch.returncode, err) == (1, "")
    assert out.endswith(f"Job {job_id} has ended: ERRORS_ENCOUNTERED\n")
    assert f"Job {job_id}: QUEUEING" not in out
    assert out.count("Job Finish Time") == 1


def test_on_a_terminal(start_prepared: Starting) -> None:
    server = start_prepared()
    job_id = begun(server)
    with watching(server, job_id) as first:
        first.communicate(timeout=DEADLINE)
    ours, theirs = pty.openpty()
    with watching(server, job_id, stdout=theirs) as watch:
        os.close(theirs)
        shown = "".join(read_all(ours))
    os.close(ours)
    assert watch.returncode == 1
    assert f"Export Documents {job_id}: ERRORS_ENCOUNTERED" in shown
    assert "1 errors encountered" in shown
    assert shown.count("Job Finish Time") == 1
    assert f"Job {job_id} has ended: ERRORS_ENCOUNTERED" in shown


def read_all(terminal: int) -> Iterator[str]:
    while True:
        try:
            yield os.read(terminal, 4096).decode()
        except OSError:  # nobody writes to it any more
            return


def test_events_are_read_as_they_are_written() -> None:
    lines = [
        ": hello",
        "",
        "event: log",
        "id: 7",
        'data: {"a":1}',
        "",
        "id: 8",
        'data:{"a":2}',
        "",
        "event: x",
        "",
        "data: {",
    ]
    assert [(event.name, event.id, event.data) for event in event_stream.read(lines)] == [
        ("log", "7", {"a": 1}),
        ("message", "8", {"a": 2}),
    ]
