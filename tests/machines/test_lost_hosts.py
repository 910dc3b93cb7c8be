"""A host that is lost in the middle of its work, and a database that is away: the others go on, and it comes back."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import psutil
from tests.machines.site import LONG, WEB, WORK, Site, wait_until
from tests.process.vault_client import ENDED, VaultClient
from tests.server.serving import environment

from strongroom.store.database import IDLE_SECONDS

TAKEN_OVER = 15  # seconds, as promised
LOCKER = """
import asyncio, os, sys
from sqlalchemy import text
from strongroom.store.database import Database

async def main():
    async with Database.connect(os.environ["STRONGROOM_DATABASE_URL"]).transaction() as connection:
        await connection.execute(text("SELECT FROM jobs WHERE id = :id FOR UPDATE"), {"id": int(sys.argv[1])})
        print("locked", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
LOCK = "SELECT id FROM jobs WHERE id = $1 FOR UPDATE"
Recording = Callable[[str, object], None]
AWAY = 10  # seconds without a database


def test_when_a_worker_host_and_a_server_host_are_cut_off_the_others_go_on_and_what_they_do_late_is_stopped(
    shared: Site, documents: dict[int, str], record_testsuite_property: Recording
) -> None:
    with VaultClient.logged_in(shared.at("balancer")) as client, ThreadPoolExecutor() as beside:
        locked = client.export(documents)
        wait_until(lambda: shared.status(locked) in ENDED)
        with _locked(shared, "web1", locked):
            job_id = shared.start_slow(6, work1=16, work2=0.2)
            _wait_until_begun(shared, job_id, "work1")
            with shared.network.cut("work1", "web1"):
                held = _on(shared, job_id, "begun", "work1")
                freed = beside.submit(wait_until, lambda: bool(shared.fetch(LOCK, int(locked))))
                taken = wait_until(lambda: held <= _on(shared, job_id, "begun", "work2"))
                wait_until(lambda: shared.status(job_id) in ENDED)
                assert _on(shared, job_id, "done", "work1") == set()  # it is still at it
                assert taken < TAKEN_OVER
                assert freed.result() < IDLE_SECONDS - 2  # the host was given up, not only its silence noticed
                assert _once(client, "objects/documents")["responseStatus"] == "SUCCESS"
                further = client.export(documents)
        record_testsuite_property("tasks of a host without link taken over after", taken)
        record_testsuite_property("locks of a host without link free after", freed.result())
        ended = _rows(shared, job_id)
        _wait_until_at_work(shared, "work1")
        # It had not come to the end of its work when it was told that the job had ended.
        assert _on(shared, job_id, "done", "work1") == set()
        assert _rows(shared, job_id) == ended
        assert [shared.status(job_id), *shared.hosts_of(job_id)] == ["SUCCESS", *["work2"] * 6]
        assert shared.status(further) == "SUCCESS"
        assert client.at(shared.at("web1")).exported(further) == documents
    assert [shared.workers["work1"].process.poll(), shared.web["web1"].process.poll()] == [None, None]


def test_the_tasks_of_a_worker_that_is_killed_are_taken_over(
    shared: Site, record_testsuite_property: Recording
) -> None:
    job_id = shared.start_slow(6, work1=LONG, work2=0.2)
    _wait_until_begun(shared, job_id, "work1")
    try:
        shared.workers["work1"].process.kill()
        held = _on(shared, job_id, "begun", "work1")
        taken = wait_until(lambda: held <= _on(shared, job_id, "begun", "work2"))
        record_testsuite_property("tasks of a killed worker taken over after", taken)
        assert taken < TAKEN_OVER
        wait_until(lambda: shared.status(job_id) in ENDED)
        assert [shared.status(job_id), *shared.hosts_of(job_id)] == ["SUCCESS", *["work2"] * 6]
    finally:
        shared.work("work1")


def test_servers_say_that_they_cannot_while_the_host_of_the_database_is_cut_off(
    shared: Site, documents: dict[int, str], record_testsuite_property: Recording
) -> None:
    with VaultClient.logged_in(shared.at("web1")) as client:
        servers = [client.at(shared.at(host)) for host in WEB]
        for server in servers:
            assert _once(server, "objects/documents")["responseStatus"] == "SUCCESS"
        with shared.network.cut("db"):
            began = time.monotonic()
            with ThreadPoolExecutor() as both:
                answers = list(both.map(partial(_once, path="objects/documents"), servers))
            assert [answer["responseStatus"] for answer in answers] == ["EXCEPTION"] * 2
            record_testsuite_property("answers without a link to the database after", time.monotonic() - began)
        job_id = servers[0].export(documents)
        wait_until(lambda: shared.status(job_id) == "SUCCESS")
        assert servers[1].exported(job_id) == documents
        _wait_until_at_work(shared, *WORK)


def test_every_process_rides_out_a_database_that_is_away_for_ten_seconds(
    shared: Site, documents: dict[int, str], record_testsuite_property: Recording
) -> None:
    with VaultClient.logged_in(shared.at("web1")) as client:
        slow = shared.start_slow(6, work1=2, work2=2)
        _wait_until_begun(shared, slow, *WORK)
        before = _processes(shared)
        job_id = client.export(documents)
        with _no_database(shared):
            for host in WEB:
                assert _once(client.at(shared.at(host)), "objects/documents")["responseStatus"] == "EXCEPTION"
        back = wait_until(lambda: {shared.status(slow), shared.status(job_id)} == {"SUCCESS"})
        record_testsuite_property("jobs ended after the start of the database", back)
        assert client.exported(job_id) == documents
        assert _processes(shared) == before
        _wait_until_at_work(shared, *WORK)


def _wait_until_begun(shared: Site, job_id: int, *hosts: str) -> None:
    """Wait until each of the hosts works on a task of a job."""
    wait_until(lambda: all(_on(shared, job_id, "begun", host) for host in hosts))


def _on(shared: Site, job_id: int, what: str, host: str) -> set[str]:
    lines = (line.split() for line in shared.log_of(job_id) if line.endswith(f"{what} on {host}"))
    return {words[1] for words in lines}


def _rows(shared: Site, job_id: int) -> list[Any]:
    """What is written of a job and its tasks."""
    tasks = shared.fetch("SELECT * FROM job_tasks WHERE job_id = $1 ORDER BY number", job_id)
    return [*shared.fetch("SELECT * FROM jobs WHERE id = $1", job_id), *tasks]


def _wait_until_at_work(shared: Site, *hosts: str) -> None:
    """Wait until the hosts take new tasks."""

    def all_took_some() -> bool:
        job_id = shared.start_slow(6, work1=0.3, work2=0.3)
        wait_until(lambda: shared.status(job_id) == "SUCCESS")
        return set(hosts) <= set(shared.hosts_of(job_id))

    wait_until(all_took_some)


def _once(client: VaultClient, path: str) -> dict[str, Any]:
    """One request, on a connection of its own, answered with HTTP 200."""
    reply = client.http.get(f"{client.base}/{path}", headers={"Connection": "close"})
    assert reply.status_code == httpx.codes.OK
    answer: dict[str, Any] = reply.json()
    return answer


@contextmanager
def _locked(shared: Site, host: str, job_id: int | str) -> Iterator[None]:
    """A process of a host that has locked a job's row in an open transaction, as every process locks rows."""
    command = [*shared.network.inside(host), sys.executable, "-c", LOCKER, str(job_id)]
    environ = environment(**shared.surroundings())
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=environ, cwd="/") as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"locked\n"
            yield
        finally:
            process.kill()


def _processes(shared: Site) -> dict[int, float]:
    """Every process of the servers and the workers."""
    started = [one.process for one in shared.web.values()] + [one.process for one in shared.workers.values()]
    mains = [psutil.Process(process.pid) for process in started]
    everyone = [process for main in mains for process in (main, *main.children(recursive=True))]
    return {process.pid: process.create_time() for process in everyone}


@contextmanager
def _no_database(shared: Site) -> Iterator[None]:
    shared.postgres.stop()
    until = time.monotonic() + AWAY
    try:
        yield
        time.sleep(max(0.0, until - time.monotonic()))  # the fault itself
    finally:
        shared.postgres.start()
