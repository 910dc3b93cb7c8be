"""Processes that are frozen (SIGSTOP), believed dead, and revived (SIGCONT): what they write late is refused."""

import asyncio
import http.client
import random
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from tests.process.vault_client import PATIENCE, VaultClient
from tests.server.serving import DEADLINE, Running, Starting

OPTIONS = ("--limits", "off", "--web", 2, "--workers", 2)
DOCUMENTS = 200
TRIES = 200

_PICKED = "SELECT count(*) FROM pgqueuer WHERE status = 'picked'"
_NEVER_STALE = "UPDATE pgqueuer SET heartbeat = now() + interval '1 day'"
_LOCKED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction' AND now() - state_change > interval '0.2 s'
      AND EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid
                  AND mode = 'RowExclusiveLock' AND relation = 'jobs'::regclass)
"""


def test_a_job_ends_once_though_the_worker_that_has_locked_it_is_frozen_and_comes_back(
    start_prepared: Starting, database_url: str
) -> None:
    server = start_prepared(*OPTIONS)
    first, second = server.children("_worker")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(DOCUMENTS, different=5)
        job_id = _caught(database_url, client, documents, first, _LOCKED)
        with _revived(first):
            assert client.wait_for(job_id)["status"] == "SUCCESS"
            ended = client.get(f"services/jobs/{job_id}/details").json()
        with _frozen(second):  # so whatever is done now, the revived one does
            further = client.export(documents)
            assert client.wait_for(further)["status"] == "SUCCESS"
        assert client.get(f"services/jobs/{job_id}/details").json() == ended
        for each in (job_id, further):
            assert client.exported(each) == documents
            assert client.get(f"services/jobs/{each}/log").text.count("Completed export documents job") == 1
    assert server.children("_worker") == [first, second]
    assert server.stop() == 0


def test_the_messages_of_a_dead_worker_are_given_out_though_its_successor_dies_too(
    start_prepared: Starting, database_url: str
) -> None:
    server = start_prepared("--limits", "off")
    (worker,) = server.children("_worker")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(DOCUMENTS, different=5)
        job_id = _caught(database_url, client, documents, worker, _PICKED)
        worker.kill()
        asyncio.run(_in_database(database_url, _NEVER_STALE))  # so it is not the lost heartbeat that helps
        _successor(server, worker).kill()  # while it loads its code
        assert client.wait_for(job_id)["status"] == "SUCCESS"
        assert client.exported(job_id) == documents
    assert server.stop() == 0


def test_new_connections_are_answered_by_the_other_web_process_and_old_ones_when_it_comes_back(
    start_prepared: Starting,
) -> None:
    server = start_prepared("--limits", "off", "--web", 2, "--workers", 0)
    old = [_connected(server) for _ in range(16)]
    web = server.children("_web")[0]
    with _frozen(web):
        for each in old:
            each.request("GET", "/api/")
        for _ in range(50):
            assert server.get("/api/")[0] == 200
    for each in old:
        assert each.getresponse().status == 200
        each.close()


def test_jobs_ride_out_a_database_that_is_frozen_for_longer_than_a_heartbeat(start: Starting) -> None:
    server = start(*OPTIONS)
    with VaultClient.logged_in(server) as client:
        documents = client.fill(DOCUMENTS, different=5)
        (main,) = server.postmasters()
        jobs = [client.export(documents) for _ in range(5)]
        processes = [main, *main.children()]
        for each in processes:
            each.suspend()
        time.sleep(15)  # the fault itself; a worker is believed dead after 10
        for each in processes:
            each.resume()
        for job_id in jobs:
            assert client.wait_for(job_id)["status"] == "SUCCESS"
            assert client.exported(job_id) == documents
            assert client.get(f"services/jobs/{job_id}/log").text.count("Completed export documents job") == 1
        assert server.postmasters() == [main]
    assert server.stop() == 0


def _caught(
    database_url: str, client: VaultClient, documents: dict[int, str], worker: psutil.Process, query: str
) -> str:
    """Freeze a worker at a moment at which the database says so; gives the id of the job that it works on."""
    chance = random.Random(1)
    for _ in range(TRIES):
        job_id = client.export(documents)
        time.sleep(chance.uniform(0, 0.1))
        worker.suspend()
        time.sleep(0.3)  # a process that still runs does not hold a transaction open for so long
        if asyncio.run(_in_database(database_url, query)):
            return job_id
        worker.resume()
        client.wait_for(job_id)
    pytest.fail(f"the worker was never frozen at the right moment, in {TRIES} tries")


async def _in_database(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _successor(server: Running, worker: psutil.Process) -> psutil.Process:
    deadline = time.monotonic() + PATIENCE
    while True:
        others = [one for one in server.children("_worker") if one != worker]
        if others:
            return others[0]
        assert time.monotonic() < deadline, "nobody has replaced the worker"
        time.sleep(0.01)


@contextmanager
def _frozen(process: psutil.Process) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    with _revived(process):
        yield


@contextmanager
def _revived(process: psutil.Process) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def _connected(server: Running) -> http.client.HTTPSConnection:
    """A connection that stays open after its first answer."""
    place = urlsplit(server.url)
    trust = ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")
    connection = http.client.HTTPSConnection(place.netloc, context=trust, timeout=DEADLINE)
    connection.request("GET", "/api/")
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200
    return connection
