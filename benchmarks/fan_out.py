"""A job of 5,000 tasks, beside a message of PgQueuer's that sends 5,000 messages: at equal slots."""

import asyncio
import time

import asyncpg
import uvloop
from benchmarks.contenders import HANDLED
from benchmarks.measure import Bound, Comparison, Effort, Side, in_turn, tree, used_by
from benchmarks.servers import ask_python, new_database, postgres, python
from benchmarks.vaults import Prepared, prepared
from benchmarks.worker import Much, Singles
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from strongroom.services import jobs
from strongroom.vault import Vault

_SLOTS = 20
_PROGRAM = ("-m", "benchmarks.peers.pgqueuer_tasks")


def run(effort: Effort) -> list[Comparison]:
    """Measure from the start of the job, or the sending of the message, until all is done; the workers stand ready."""
    count = effort.of(5000, 60)
    job, messages = Side("Strongroom, one job"), Side("PgQueuer, bare")
    with postgres() as url, prepared(url) as vault:
        bare = new_database(url)
        environment = {"BENCHMARK_DATABASE": bare}
        ask_python(*_PROGRAM, "prepare", environment=environment)
        with (
            python("-m", "benchmarks.worker", vault.url, vault.data_dir, _SLOTS) as ours,
            python(*_PROGRAM, "work", _SLOTS, environment=environment) as theirs,
        ):
            _run_job(vault, 10)
            _fan_out(bare, 10)

            def measure_job() -> None:
                with used_by(lambda: tree(ours)) as used:
                    seconds = _run_job(vault, count)
                job.add(seconds, **used.notes())

            def measure_messages() -> None:
                with used_by(lambda: tree(theirs)) as used:
                    seconds = _fan_out(bare, count)
                messages.add(seconds, **used.notes())

            in_turn(effort.rounds, measure_job, measure_messages)
    return [
        Comparison(
            f"A job of {count:,} tasks",
            "s",
            [job, messages],
            [Bound(job.name, (messages.name,), at_most=3)],
            f"Tasks of one item that do nothing, each with its state and its output kept; PgQueuer: one message whose "
            f"handler sends {count:,}. {_SLOTS} slots. CPU and memory are the worker's, without PostgreSQL.",
        )
    ]


def _run_job(vault: Prepared, count: int) -> float:
    async def start_and_wait(opened: Vault) -> float:
        began = time.perf_counter()
        job = await jobs.start(opened, Singles(), Much(count))
        while not (job := await jobs.retrieve(opened, job.id)).status.is_terminal:  # noqa: ASYNC110 - another process ends it
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        assert (job.status, job.total_tasks, job.failed_tasks) == ("SUCCESS", count, 0)
        assert len([task async for task in jobs.task_outputs(opened, job)]) == count
        return seconds

    return vault.do(start_and_wait)


def _fan_out(url: str, count: int) -> float:
    async def send_and_wait() -> float:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("TRUNCATE pgqueuer_log")
            began = time.perf_counter()
            await Queries(AsyncpgDriver(connection)).enqueue("fan", b"%d" % count)
            while await connection.fetchval("SELECT EXISTS (SELECT FROM pgqueuer)"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            seconds = time.perf_counter() - began
            assert await connection.fetchval(HANDLED) == count
            return seconds
        finally:
            await connection.close()

    return uvloop.run(send_and_wait())
