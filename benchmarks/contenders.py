"""Those who run jobs that do nothing: each can be given jobs, has a worker, and says how many have ended well."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.servers import Asking, Redis, ask_python
from benchmarks.vaults import Prepared
from benchmarks.worker import Much, Whole

from strongroom.services import jobs
from strongroom.vault import Vault

HANDLED = "SELECT count(*) FROM pgqueuer_log WHERE entrypoint = 'nothing' AND status = 'successful'"
"""How many messages PgQueuer's worker has handled: the row of its log is written with the end of the message."""

_TOGETHER = 100  # jobs that are started at a time


@dataclass(frozen=True)
class Contender:
    """One of them. ``ended`` counts what has ended since ``give``; ``check`` looks at each result in the end."""

    name: str
    give: Callable[[int], None]
    work: tuple[object, ...]
    ended: Callable[[], int]
    check: Callable[[int], None]
    peers: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def strongroom(vault: Prepared, ask: Asking, slots: int) -> Contender:
    """Jobs of a kind that runs as a whole: QUEUED, RUNNING and SUCCESS are each committed, the log is written."""

    def give(count: int) -> None:
        ask("TRUNCATE jobs CASCADE")

        async def start(opened: Vault) -> None:
            for begun in range(0, count, _TOGETHER):
                some = range(begun, min(begun + _TOGETHER, count))
                await asyncio.gather(*(jobs.start(opened, Whole(), Much(1)) for _ in some))

        vault.do(start)

    def ended() -> int:
        return ask.count("SELECT count(*) FROM jobs WHERE status = 'SUCCESS' AND NOT scheduled")

    def check(count: int) -> None:
        logged = "SELECT count(*) FROM job_log WHERE text LIKE 'Completed nothing job [' || job_id || ']%'"
        assert (ended(), ask("SELECT count(*) FROM jobs WHERE NOT scheduled"), ask(logged)) == (count, count, count)

    work = ("-m", "benchmarks.worker", vault.url, vault.data_dir, slots)
    return Contender("Strongroom", give, work, ended, check)


def pgqueuer(ask: Asking, slots: int) -> Contender:
    """Messages alone: no status is kept but the queue's own log."""
    program, environment = ("-m", "benchmarks.peers.pgqueuer_tasks"), {"BENCHMARK_DATABASE": ask.url}
    ask_python(*program, "prepare", environment=environment)

    def give(count: int) -> None:
        ask("TRUNCATE pgqueuer_log")
        ask_python(*program, "enqueue", count, environment=environment)

    def ended() -> int:
        return ask.count(HANDLED)

    def check(count: int) -> None:
        assert (ended(), ask("SELECT count(*) FROM pgqueuer")) == (count, 0)

    return Contender("PgQueuer, bare", give, (*program, "work", slots), ended, check, environment=environment)


def procrastinate(ask: Asking, slots: int) -> Contender:
    """Its jobs have statuses in PostgreSQL."""
    program, environment = ("-m", "benchmarks.peers.procrastinate_tasks"), {"BENCHMARK_DATABASE": ask.url}
    ask_python(*program, "prepare", peers=True, environment=environment)

    def give(count: int) -> None:
        ask("TRUNCATE procrastinate_jobs CASCADE")
        ask_python(*program, "enqueue", count, peers=True, environment=environment)

    def ended() -> int:
        return ask.count("SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'")

    def check(count: int) -> None:
        assert (ended(), ask("SELECT count(*) FROM procrastinate_jobs")) == (count, count)

    return Contender(
        "Procrastinate", give, (*program, "work", slots), ended, check, peers=True, environment=environment
    )


def celery(name: str, redis: Redis, *pool: object) -> Contender:
    """Its results are kept in Redis; it takes back what a worker had when it died (``acks_late``)."""
    module = "benchmarks.peers.celery_tasks"
    work = ("-m", "celery", "-A", module, "worker", "--loglevel", "ERROR", *pool)
    return _with_redis(name, redis, module, work)


def dramatiq(redis: Redis, slots: int) -> Contender:
    """Its results are kept in Redis."""
    module = "benchmarks.peers.dramatiq_tasks"
    work = ("-m", "dramatiq", module, "--processes", 1, "--threads", slots)
    return _with_redis("Dramatiq", redis, module, work)


def _with_redis(name: str, redis: Redis, module: str, work: tuple[object, ...]) -> Contender:
    environment = {"BENCHMARK_REDIS": redis.url}

    def give(count: int) -> None:
        redis.clear()
        ask_python("-m", module, "enqueue", count, peers=True, environment=environment)

    def check(count: int) -> None:
        assert ask_python("-m", module, "check", peers=True, environment=environment).split() == [
            str(count),
            str(count),
        ]

    return Contender(name, give, work, redis.results, check, peers=True, environment=environment)
