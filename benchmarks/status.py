"""Reading the status of a job over HTTP, beside a bare ASGI callable and Flower's task info; and while exports run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import uvloop
from benchmarks import bare, documents, flower
from benchmarks.http_load import Target, closed_loop, open_loop
from benchmarks.measure import Bound, Comparison, Effort, Side, in_turn, pinned, used_by
from benchmarks.servers import Strongroom, free_port, python, sql, strongroom

_CONNECTIONS, _EXPORTS, _RATE = 16, 10, 50
_BARE, _FINISHED, _XML, _RUNNING, _FLOWER = "bare ASGI", "finished job", "finished job, XML", "running job", "Flower"


def run(effort: Effort) -> list[Comparison]:
    """Measure a finished job as JSON and XML, and a running one; then polls while exports run."""
    return [_closed(effort), _under_load(effort)]


def poll(server: Strongroom, job_id: int, ended: set[int]) -> Target:
    """The target that notes when the job has ended."""

    def verify(body: bytes) -> bool:
        data = json.loads(body)["data"]
        if data["status"] == "SUCCESS":
            ended.add(job_id)
        return bool(data["id"] == job_id and data["status"] in {"QUEUEING", "QUEUED", "RUNNING", "SUCCESS"})

    return _target(server, job_id, verify)


def _closed(effort: Effort) -> Comparison:
    port = free_port()
    with (
        strongroom("--seed", "sample") as server,
        python("-m", "benchmarks.bare", port, ready=port) as plain,
        flower.running() as peer,
        _jobs(server) as (finished, running),
    ):
        web = server.children("_web")[0]
        targets = {
            _BARE: (plain, Target(f"http://127.0.0.1:{port}/", bare.BODY.__eq__)),
            _FINISHED: (web, _exact(server, finished, "SUCCESS")),
            _XML: (web, _exact(server, finished, "SUCCESS", "application/xml")),
            _RUNNING: (web, _exact(server, running, "RUNNING")),
            _FLOWER: (peer.process, peer.target),
        }
        sides = {name: Side(name) for name in targets}

        def measure(name: str) -> None:
            process, target = targets[name]
            with used_by(lambda: [process]) as used:
                load = uvloop.run(closed_loop([target], effort.of(5, 1), _CONNECTIONS))
            assert not load.wrong, f"{load.wrong} wrong bodies: {name}"
            sides[name].add(load.rate, **load.notes(), **used.notes())

        with pinned([web, plain, peer.process]):
            in_turn(effort.rounds, *((lambda name=name: measure(name)) for name in targets))
    return Comparison(
        "Status of a job over HTTP",
        "reads/s",
        list(sides.values()),
        [
            Bound(_FINISHED, (_BARE,), at_least=0.45),
            Bound(_FINISHED, (_FLOWER,), at_least=3),
            Bound(_RUNNING, (_BARE,), at_least=0.15),
        ],
        f"{_CONNECTIONS} connections, closed loop, one web process on the first core, the client on the last; session "
        "checked, all headers, `--limits off`, every body compared byte for byte. CPU and memory: the web process's. "
        "The bare callable runs on the same server. Flower: `GET /api/task/info/<id>` of a finished task, Celery and "
        "Redis behind it.",
    )


def _under_load(effort: Effort) -> Comparison:
    side = Side(f"{_RATE} polls/s")
    count = effort.of(10_000, 50)
    with strongroom("--workers", "1") as server, server.client() as http:
        ids = documents.fill(server, count)

        def measure() -> None:
            started = [documents.export(http, ids) for _ in range(_EXPORTS)]
            ended: set[int] = set()
            targets = [poll(server, job_id, ended) for job_id in started]
            with used_by(lambda: server.children("_web")) as used:
                load = uvloop.run(open_loop(targets, rate=_RATE, seconds=600, over=lambda: len(ended) == len(started)))
            assert not load.wrong
            assert len(ended) == len(started)
            latencies = load.notes()
            side.add(latencies["p99"], **latencies, **used.notes())

        in_turn(effort.rounds, measure)
    return Comparison(
        "Polls while exports run",
        "ms (p99)",
        [side],
        [Bound(side.name, at_most=20)],
        f"{_EXPORTS} exports of {count:,} documents run on one worker, and their statuses are read in turn until the "
        "last has ended. Open loop: a late answer counts from the moment at which its request was due. CPU and memory "
        "are the web process's.",
    )


def _target(server: Strongroom, job_id: int, verify: object, accept: str = "application/json") -> Target:
    headers = (("Authorization", server.session), ("Accept", accept), ("X-VaultAPI-ClientID", "benchmark"))
    return Target(f"{server.base}/services/jobs/{job_id}", verify, headers)  # type: ignore[arg-type]


def _exact(server: Strongroom, job_id: int, status: str, accept: str = "application/json") -> Target:
    """The target whose every body must be the one that it has now."""
    headers = {"Authorization": server.session, "Accept": accept}
    body = httpx.get(f"{server.base}/services/jobs/{job_id}", headers=headers, timeout=60).content
    said = f'"status":"{status}"' if accept.endswith("json") else f"<status>{status}</status>"
    assert said.encode() in body, body
    return _target(server, job_id, body.__eq__, accept)


@contextmanager
def _jobs(server: Strongroom) -> Iterator[tuple[int, int]]:
    """A job that has ended, and one that stays RUNNING, since its worker stands still."""
    workers: list[psutil.Process] = server.children("_worker")
    with server.client() as http, server.database() as url:
        found = http.get("/objects/documents").json()["documents"]
        ids = [int(each["document"]["id"]) for each in found[:3]]
        finished = documents.export(http, ids)
        documents.wait_for(http, finished)
        for worker in workers:
            worker.suspend()
        try:
            running = documents.export(http, ids)
            sql(url, "UPDATE jobs SET status = 'RUNNING', run_start_date = created_date WHERE id = $1", running)
            yield finished, running
            sql(url, "UPDATE jobs SET status = 'CANCELLED', run_end_date = created_date WHERE id = $1", running)
        finally:
            for worker in workers:
                worker.resume()
