"""What a server costs when nobody asks for anything: its start, its idle CPU, its memory."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
from benchmarks.measure import Bound, Comparison, Effort, Side, cpu_seconds, memory, tree
from benchmarks.servers import open_folder, serving

_FIRST, _LATER = "first start", "later start"
_SETTLING = 10  # seconds after a start, in which what was put off is done


def run(effort: Effort) -> list[Comparison]:
    """Start a server with its defaults on an empty folder, then again, leave it alone, and look at its processes."""
    starts = {name: Side(name) for name in (_FIRST, _LATER)}
    idle, sizes = Side("whole server, PostgreSQL included"), {name: Side(name) for name in ("_web", "_worker", "serve")}
    for _ in range(effort.rounds):
        with open_folder() as data_dir:
            _start(data_dir, starts[_FIRST], 0, lambda _: None)

            def look(server: psutil.Process) -> None:
                _watch(server, idle, effort.of(30, 2))
                for name, side in sizes.items():
                    side.add(memory(_of_role(server, name)))

            _start(data_dir, starts[_LATER], effort.of(_SETTLING, 0), look)
    return [
        Comparison(
            "From the start of a server until it is ready",
            "s",
            list(starts.values()),
            [Bound(_FIRST, at_most=4), Bound(_LATER, at_most=1.5)],
            "`strongroom serve` with its defaults (HTTPS, one web process, one worker) on an empty data directory and "
            "on the same again; then it answers.",
        ),
        Comparison("CPU of an idle server", "% of a core", [idle], [Bound(idle.name, at_most=2)], "All its processes."),
        Comparison(
            "Memory of an idle server, without PostgreSQL",
            "MB (PSS)",
            [
                _named(sizes["_web"], "web process"),
                _named(sizes["_worker"], "worker"),
                _named(sizes["serve"], "the rest"),
            ],
            remark="What several processes share is split among them. The rest: the supervisor and the watcher of "
            "PostgreSQL.",
        ),
    ]


def _start(data_dir: Path, side: Side, settling: float, look: Callable[[psutil.Process], None]) -> None:
    began = time.perf_counter()
    with serving("serve", "--port", "0", "--data-dir", data_dir) as (server, url):
        side.add(time.perf_counter() - began)
        assert httpx.get(f"{url}/api/", verify=False).status_code == 200
        time.sleep(settling)
        look(server)


def _watch(server: psutil.Process, side: Side, seconds: float) -> None:
    assert any("postgres" in each.name() for each in tree(server))
    before, began = cpu_seconds(tree(server)), time.perf_counter()
    time.sleep(seconds)
    used = cpu_seconds(tree(server)) - before
    side.add(100 * used / (time.perf_counter() - began))


def _of_role(server: psutil.Process, role: str) -> list[psutil.Process]:
    children = server.children()
    named = {name: [child for child in children if name in child.cmdline()] for name in ("_web", "_worker")}
    if role in named:
        return named[role]
    watchers = [child for child in children if any("watcher" in word for word in child.cmdline())]
    return [server, *watchers]


def _named(side: Side, name: str) -> Side:
    side.name = name
    return side
