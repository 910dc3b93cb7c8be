"""Code that takes no notice of the end of its job: its worker is replaced, and jobs go on meanwhile and afterwards."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.process.vault_client import PATIENCE, VaultClient
from tests.server.serving import DEADLINE, Log, Starting, environment

_JOBS = '''
import asyncio
import time

from strongroom.sdk import Job, JobCompletionContext, JobInfo, JobInitContext, JobMetadata, JobProcessContext, TaskState


class Deaf(Job):
    """One task, which sleeps in its thread and does not look round."""

    metadata = JobMetadata(name="deaf__c", label="Deaf", chunk_size=1)

    def init(self, context):
        return context.new_job_input([context.new_job_item().set_value("number", 1)])

    def process(self, context):
        context.job_logger.log("asleep")
        while True:
            time.sleep(0.1)

    def complete_with_success(self, context):
        """Nothing."""

    def complete_with_error(self, context):
        """Nothing."""


@JobInfo(admin_cancellable=True)
class InThread(Deaf):
    """It sleeps in a thread."""

    metadata = JobMetadata(name="thread__c", label="In a Thread", chunk_size=1)


@JobInfo(admin_cancellable=True)
class OnLoop(Deaf):
    """It swallows that it is cancelled."""

    metadata = JobMetadata(name="loop__c", label="On the Loop", chunk_size=1)

    async def process(self, context):
        context.job_logger.log("asleep")
        while True:
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                continue


del Deaf
'''


@pytest.fixture
def jobs_dir(place: Path) -> Path:
    folder = place / "jobs"
    folder.mkdir()
    (folder / "deaf.py").write_text(_JOBS)
    return folder


@pytest.mark.parametrize("name", ["thread__c", "loop__c"])
def test_a_worker_that_has_abandoned_code_in_it_is_replaced(
    start_prepared: Starting, jobs_dir: Path, name: str
) -> None:
    server = start_prepared("--limits", "off", "--jobs-dir", jobs_dir, "--slots", 2)
    (worker,) = server.children("_worker")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(3, different=3)
        deaf = [occupy(client, name) for _ in range(2)]  # every slot
        for job_id in deaf:
            client.post(f"services/jobs/{job_id}/actions/cancel")
        assert client.wait_for(client.export(documents))["status"] == "SUCCESS"
        until(lambda: worker not in server.children("_worker") and not worker.is_running(), "the worker is still there")
        assert client.wait_for(client.export(documents))["status"] == "SUCCESS"
        for job_id in deaf:
            assert client.wait_for(job_id)["status"] == "CANCELLED"
            assert client.get(f"services/jobs/{job_id}/log").text.count("(CANCELLED)") == 1
    assert server.stop() == 0
    assert "a process died" not in server.log.whole()


def test_a_worker_alone_begins_anew_as_the_same_process(
    start_prepared: Starting, jobs_dir: Path, database_url: str
) -> None:
    server = start_prepared("--limits", "off", "--workers", 0)
    with VaultClient.logged_in(server) as client:
        command = [sys.executable, "-m", "strongroom", "worker", "--jobs-dir", jobs_dir, "--data-dir", server.data_dir]
        alone = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(STRONGROOM_DATABASE_URL=database_url),
        )
        log = Log(alone)
        try:
            assert alone.stdout
            assert alone.stdout.readline() == "ready\n"
            client.post(f"services/jobs/{occupy(client, 'thread__c')}/actions/cancel")
            assert alone.stdout.readline() == "ready\n", log.so_far()
            documents = client.fill(3, different=3)
            assert client.wait_for(client.export(documents))["status"] == "SUCCESS"
            alone.send_signal(signal.SIGTERM)
            assert alone.wait(DEADLINE) == 0, log.whole()
        finally:
            alone.kill()
            alone.wait()
            log.whole()
            for stream in (alone.stdout, alone.stderr):
                assert stream
                stream.close()


def occupy(client: VaultClient, name: str) -> int:
    """Start a job of this name, and wait until its code runs."""
    job_id = client.post(f"services/jobs/start/{name}")["job_id"]
    until(lambda: "asleep" in client.get(f"services/jobs/{job_id}/log").text, "it has not begun")
    return int(job_id)


def until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)
