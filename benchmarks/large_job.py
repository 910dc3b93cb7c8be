"""A job of 2,500,000 items in 5,000 tasks: how much memory each process needs, and what polls meet meanwhile."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvloop
from benchmarks import jobs_of_benchmarks
from benchmarks.http_load import open_loop
from benchmarks.measure import Bound, Comparison, Effort, Side, memory, tree
from benchmarks.servers import Strongroom, open_folder, strongroom
from benchmarks.status import poll

_ITEMS, _QUICK, _RATE, _MOST = 2_500_000, 50_000, 50, 200
_WEB, _WORKER, _REST, _POSTGRES = "web process", "worker", "supervisor or watcher", "process of PostgreSQL's"
_LOOK_EVERY = 1.0  # seconds


def run(effort: Effort) -> list[Comparison]:
    """Start the job by its call, and ask for its status at a rate until it has ended."""
    items = effort.of(_ITEMS, _QUICK)
    sizes = {name: Side(name) for name in (_WEB, _WORKER, _REST, _POSTGRES)}
    seconds, polls = Side(f"{items:,} items"), Side(f"{_RATE} polls/s")
    with open_folder() as jobs_dir:
        shutil.copy(jobs_of_benchmarks.__file__, jobs_dir)
        for _ in range(effort.rounds):
            # A server for each round: what a process has needed once it may keep.
            with strongroom("--workers", "1", "--jobs-dir", str(jobs_dir)) as server, _peaks(server) as peaks:
                _measure(server, items, seconds, polls)
            for name, side in sizes.items():
                side.add(peaks.found[name])
    return _comparisons(items, list(sizes.values()), seconds, polls)


def _measure(server: Strongroom, items: int, seconds: Side, polls: Side) -> None:
    with server.client() as http:
        job_id = int(http.post("/services/jobs/start/large__c", data={"items": str(items)}).json()["job_id"])
        ended: set[int] = set()
        load = uvloop.run(open_loop([poll(server, job_id, ended)], _RATE, 3600, lambda: job_id in ended))
        assert not load.wrong
        log = http.get(f"/services/jobs/{job_id}/log").text
        assert f" {items} items" in log, log
    seconds.add(load.seconds)
    polls.add(load.notes()["p99"], **load.notes())


def _comparisons(items: int, sizes: list[Side], seconds: Side, polls: Side) -> list[Comparison]:
    tasks = items // 500
    return [
        Comparison(
            f"Memory of a job of {items:,} items",
            "MB (PSS)",
            sizes,
            [Bound(side.name, at_most=_MOST) for side in sizes],
            f"A custom job whose items come from a generator, {tasks:,} tasks of 500, each with its output; one web "
            "process, one worker. The most that any single process of a sort had when it was looked at, once a second.",
        ),
        Comparison(
            f"A custom job of {items:,} items",
            "s",
            [seconds],
            [],
            "From its start to its end, and polls at a rate meanwhile.",
        ),
        Comparison(
            f"Polls while a job of {items:,} items is queued and runs",
            "ms (p99)",
            [polls],
            [Bound(polls.name, at_most=20)],
            "Its own status. Open loop: a late answer counts from the moment at which its request was due.",
        ),
    ]


@dataclass
class _Peaks:
    """The largest process of each sort."""

    found: dict[str, float] = field(default_factory=lambda: dict.fromkeys((_WEB, _WORKER, _REST, _POSTGRES), 0.0))

    def look(self, server: Strongroom) -> None:
        """Look at every process once."""
        for process in tree(server.process):
            try:
                name = _sort(process)
            except psutil.Error:  # it has ended just now
                continue
            self.found[name] = max(self.found[name], memory([process]))


@contextmanager
def _peaks(server: Strongroom) -> Iterator[_Peaks]:
    peaks, over = _Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY):
            peaks.look(server)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peaks
        peaks.look(server)
    finally:
        over.set()
        watching.join()


def _sort(process: psutil.Process) -> str:
    words = process.cmdline()
    if "_web" in words:
        return _WEB
    if "_worker" in words:
        return _WORKER
    is_ours = bool(words) and Path(words[0]).name.startswith("python")
    return _REST if is_ours else _POSTGRES
