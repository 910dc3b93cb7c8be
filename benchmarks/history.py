"""A long history: 1,000,000 jobs beside 1,000; statuses, pages, filters, and totals that are exact.

A million updates of counts in few transactions leave a million dead rows, which a server that ends its jobs one by one
does not have (4.6 MB instead of 57): so they are removed, and nothing is left for autovacuum to do while something is
measured. The statuses differ by some hundredths of a millisecond: so the two servers take turns every few reads, and
there is no rate, since the timer of an open loop is exact to a millisecond only.
"""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvloop
from benchmarks.http_load import Target, one_by_one
from benchmarks.measure import Bound, Comparison, Effort, Side, Used, in_turn, latencies, used_by
from benchmarks.servers import Asking, Strongroom, strongroom

_LIMIT = 50
_AT_ONCE = 1_000  # jobs in one transaction
_TURNS = 10  # of each server in a round
_ENDED = ("SUCCESS", "FAILED_TO_RUN", "ERRORS_ENCOUNTERED", "CANCELLED", "TIMEOUT")
# Most have ended well, as in life; one in 5,000 is still active; they began over the last three years.
_JOBS = """
    INSERT INTO jobs (kind, title, status, method, input, created_by, created_date, modified_by, modified_date,
        run_start_date, run_end_date, total_tasks, attempt)
    SELECT 'export_documents', 'Export Documents', status, 'POST', '{"documents": [{"id": 1}]}', owner, made, owner,
        made, made, CASE WHEN status = 'QUEUED' THEN NULL ELSE made + interval '7 seconds' END, 1, 1
    FROM (
        SELECT CASE
                WHEN number % 5000 = 0 THEN 'QUEUED' WHEN number % 97 = 0 THEN 'ERRORS_ENCOUNTERED'
                WHEN number % 89 = 0 THEN 'CANCELLED' WHEN number % 1009 = 0 THEN 'FAILED_TO_RUN' ELSE 'SUCCESS'
            END AS status,
            date_trunc('second', now()) - interval '3 years' * number / $1::integer AS made
        FROM generate_series($2::integer, $3::integer) AS number
    ) AS given, (SELECT min(id) AS owner FROM users) AS someone
"""
_MIDDLE = "date_trunc('second', now()) - interval '18 months'"


@dataclass(frozen=True)
class Page:
    """A page of the histories, and the jobs that its total has to count."""

    name: str
    query: dict[str, str]
    counted: str = "true"


@dataclass
class Past:
    """A server with many jobs."""

    server: Strongroom
    ask: Asking
    count: int
    unread: Iterator[int]
    http: httpx.Client = field(repr=False)


def run(effort: Effort) -> list[Comparison]:
    """Measure the statuses of both servers in turn, then the pages of the one with the long history."""
    many, few = effort.of(1_000_000, 2_000), 1_000
    with _past(many) as long, _past(few) as short:
        return [_statuses(effort, long, short), _pages(effort, long)]


def _statuses(effort: Effort, long: Past, short: Past) -> Comparison:
    each = min(effort.of(200, 20), short.count // effort.rounds) // _TURNS
    sides = {past.count: Side(f"{past.count:,} jobs") for past in (long, short)}

    def measure() -> None:
        times: dict[int, list[float]] = {past.count: [] for past in (long, short)}
        used = {past.count: Used() for past in (long, short)}
        for turn in range(_TURNS):
            for past in (long, short) if turn % 2 else (short, long):
                times[past.count] += _read(past, each, used[past.count])
        for count, side in sides.items():
            found = latencies(times[count])
            side.add(found["p50"], **found, **used[count].notes())

    in_turn(effort.rounds, measure)
    name, against = (sides[past.count].name for past in (long, short))
    return Comparison(
        "Status of a job in a long history",
        "ms (p50)",
        list(sides.values()),
        [Bound(name, (against,), at_most=1.1)],
        "One read at a time, each of a job that this server has not read before, so that nothing is cached. "
        f"The two servers take turns every {each} reads.",
    )


def _read(past: Past, size: int, used: Used) -> list[float]:
    targets = [_status(past.server, job_id) for job_id in itertools.islice(past.unread, size)]
    with used_by(lambda: past.server.children("_web")) as part:
        load = uvloop.run(one_by_one(targets))
    assert not load.wrong
    assert len(load.latencies) == size
    used.seconds += part.seconds
    used.cpu += part.cpu
    used.memory = part.memory
    return load.latencies


def _pages(effort: Effort, past: Past) -> Comparison:
    middle = str(past.ask(f'SELECT to_char({_MIDDLE}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'))
    deep = min(10_000, past.count // _LIMIT // 2)
    pages = [
        Page("first page", {}),
        Page(f"page {deep:,}", {"offset": str((deep - 1) * _LIMIT)}),
        Page("first page, one status", {"status": "errors_encountered"}, "status = 'ERRORS_ENCOUNTERED'"),
        Page("first page, from a date on", {"start_date": middle}, f"run_end_date >= '{middle}'"),
        Page(
            "first page, status and dates",
            {"status": "cancelled,success", "end_date": middle},
            f"status IN ('CANCELLED', 'SUCCESS') AND run_end_date <= '{middle}'",
        ),
    ]
    sides = {page.name: Side(page.name) for page in pages}
    repeated = effort.of(20, 3)

    def measure(page: Page) -> None:
        expected = _expected(past, page)
        times = []
        with used_by(lambda: past.server.children("_web")) as used:
            for _ in range(repeated):
                began = time.perf_counter()
                reply = past.http.get("/services/jobs/histories", params={"limit": str(_LIMIT), **page.query})
                times.append(time.perf_counter() - began)
                _check(reply, *expected)
        found = latencies(times)
        sides[page.name].add(found["p50"], **found, **used.notes())

    in_turn(effort.rounds, *((lambda page=page: measure(page)) for page in pages))
    return Comparison(
        f"Pages of a history of {past.count:,} jobs",
        "ms (p50)",
        list(sides.values()),
        [Bound(page.name, at_most=150 if "offset" in page.query else 60) for page in pages],
        f"{_LIMIT} rows a page, newest first, one client. The total and the ids of each page are compared with what "
        "the tables say. CPU and memory are the web process's.",
    )


def _expected(past: Past, page: Page) -> tuple[int, list[int]]:
    where = f"run_end_date IS NOT NULL AND {page.counted}"
    total = past.ask.count(f"SELECT count(*) FROM jobs WHERE {where}")
    ids = past.ask(
        f"SELECT array_agg(id) FROM (SELECT id FROM jobs WHERE {where} ORDER BY run_end_date DESC, id DESC "
        f"LIMIT {_LIMIT} OFFSET {page.query.get('offset', 0)}) AS page"
    )
    assert isinstance(ids, list)
    assert total
    return total, ids


def _check(reply: httpx.Response, total: int, ids: list[int]) -> None:
    body = reply.json()
    assert body["responseStatus"] == "SUCCESS", body
    assert body["responseDetails"]["total"] == total, body["responseDetails"]
    assert [row["job_id"] for row in body["jobs"]] == ids


def _status(server: Strongroom, job_id: int) -> Target:
    headers = (("Authorization", server.session), ("Accept", "application/json"))
    start = b'{"responseStatus":"SUCCESS","responseMessage":"OK","data":{"id":%d,' % job_id
    return Target(f"{server.base}/services/jobs/{job_id}", lambda body: body.startswith(start), headers)


@contextmanager
def _past(count: int) -> Iterator[Past]:
    with (
        strongroom("--workers", "0") as server,
        server.client() as http,
        server.database() as url,
        Asking(url) as ask,
    ):
        # The Vault's own scheduled jobs are not measured, and ids begin with 1.
        ask("TRUNCATE jobs RESTART IDENTITY CASCADE")
        for first in range(1, count + 1, _AT_ONCE):
            ask(_JOBS, count, first, min(first + _AT_ONCE - 1, count))
        ask("VACUUM ANALYZE jobs")
        ask("VACUUM (FULL, ANALYZE) job_hour_counts")
        ask("CHECKPOINT")
        assert ask.count("SELECT count(*) FROM jobs") == count
        # Spread over the whole of it, each once: 7,919 is a prime that divides no count.
        unread = (number * 7919 % count + 1 for number in range(count))
        yield Past(server, ask, count, unread, http)
