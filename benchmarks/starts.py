"""Starting jobs: over HTTP and by the service function, beside a bare single enqueue of PgQueuer's; 8 at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import psutil
import uvloop
from benchmarks.http_load import Load, Target, closed_loop
from benchmarks.measure import Bound, Comparison, Effort, Side, Used, in_turn, used_by
from benchmarks.servers import Asking, Strongroom, ask_python, new_database, postgres, strongroom
from benchmarks.vaults import Prepared, prepared
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.queries import Queries

from strongroom.kinds.document_export import DocumentExport, DocumentExportInput, DocumentRow
from strongroom.services import jobs
from strongroom.vault import Vault

_CLIENTS = 8
_HTTP, _SERVICE, _BARE = "over HTTP", "by the service function", "PgQueuer, bare enqueue"
_STARTED = "SELECT count(*) FROM jobs JOIN pgqueuer ON dedupe_key = 'run:' || jobs.id || ':0'"


def run(effort: Effort) -> list[Comparison]:
    """Measure the three of them in turn; no worker takes what is started."""
    sides = {name: Side(name) for name in (_HTTP, _SERVICE, _BARE)}
    seconds = effort.of(5, 1)
    with (
        strongroom("--workers", "0") as server,
        server.database() as url,
        Asking(url) as started,
        postgres() as other_url,
        prepared(other_url) as vault,
        Asking(new_database(other_url)) as bare,
    ):
        ask_python("-m", "benchmarks.peers.pgqueuer_tasks", "prepare", environment={"BENCHMARK_DATABASE": bare.url})
        in_turn(
            effort.rounds,
            lambda: _start_over_http(server, started, sides[_HTTP], seconds),
            lambda: _start_by_service(vault, sides[_SERVICE], seconds),
            lambda: _enqueue(bare, sides[_BARE], seconds),
        )
    return [
        Comparison(
            "Starting jobs",
            "starts/s",
            list(sides.values()),
            [Bound(_HTTP, (_BARE,), at_least=0.3), Bound(_SERVICE, (_BARE,), at_least=0.3)],
            f"{_CLIENTS} clients, each starts its next job when the last is answered: a row and its message in "
            "one commit, on the disk; answers and rows are checked. PgQueuer: one message, enqueued by the same "
            "number of callers, each by itself. CPU and memory: of the web process, else of the process that calls.",
        )
    ]


def _start_over_http(server: Strongroom, started: Asking, side: Side, seconds: float) -> None:
    headers = (("Authorization", server.session), ("Accept", "application/json"))
    place = f"{server.base}/objects/documents/batch/actions/fileextract"
    target = Target(place, _is_started, headers, b'[{"id":"1"}]')
    before = started.count(_STARTED)
    with used_by(lambda: server.children("_web")) as used:
        load = uvloop.run(closed_loop([target], seconds, _CLIENTS))
    assert not load.wrong
    assert started.count(_STARTED) - before == len(load.latencies)
    side.add(load.rate, **load.notes(), **used.notes())


def _is_started(body: bytes) -> bool:
    return body.startswith(b'{"responseStatus":"SUCCESS"') and b'"job_id"' in body


def _start_by_service(vault: Prepared, side: Side, seconds: float) -> None:
    given, kind = DocumentExportInput(documents=[DocumentRow(1)]), DocumentExport()
    ids: set[int] = set()

    async def call(opened: Vault) -> tuple[Load, Used]:
        async def start() -> None:
            ids.add((await jobs.start(opened, kind, given)).id)

        return await _load(start, seconds)

    load, used = vault.do(call)
    with Asking(vault.url) as ask:
        written = ask.count(f"{_STARTED} WHERE jobs.id = ANY($1::integer[])", list(ids))
    assert written == len(ids) == len(load.latencies)
    side.add(load.rate, **load.notes(), **used.notes())


def _enqueue(bare: Asking, side: Side, seconds: float) -> None:
    async def call() -> tuple[Load, Used]:
        async with asyncpg.create_pool(bare.url, min_size=_CLIENTS, max_size=_CLIENTS) as pool:
            queries = Queries(AsyncpgPoolDriver(pool))

            async def enqueue() -> None:
                await queries.enqueue("nothing", b"1")

            return await _load(enqueue, seconds)

    load, used = uvloop.run(call())
    assert bare.count("SELECT count(*) FROM pgqueuer") == len(load.latencies)
    bare("TRUNCATE pgqueuer")
    side.add(load.rate, **load.notes(), **used.notes())


async def _load(deed: Callable[[], Awaitable[None]], seconds: float) -> tuple[Load, Used]:
    """Have it done by so many callers at a time, again and again; gives also what this process has used."""
    load = Load()

    async def call(until: float) -> None:
        while (before := time.perf_counter()) < until:
            await deed()
            load.latencies.append(time.perf_counter() - before)

    with used_by(lambda: [psutil.Process()]) as used:
        began = time.perf_counter()
        await asyncio.gather(*(call(began + seconds) for _ in range(_CLIENTS)))
        load.seconds = time.perf_counter() - began
    return load, used
