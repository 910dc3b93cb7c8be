"""Bare PgQueuer: messages that are handled by doing nothing, with no rows beside them.

``prepare`` makes its tables, ``enqueue N`` writes so many messages in one statement, ``work SLOTS`` works until it is
told to stop. A message ``fan`` writes as many messages ``nothing`` as it says.
"""

import asyncio
import os
import signal
import sys

import asyncpg
import uvloop
from benchmarks.peers.first import First
from pgqueuer import AsyncpgPoolDriver, QueueManager
from pgqueuer.models import Job
from pgqueuer.queries import Queries

_first = First()


async def fan_out(queries: Queries, count: int) -> None:
    """Write messages in one statement."""
    await queries.enqueue(["nothing"] * count, [b"%d" % number for number in range(count)], [0] * count)


async def _work(queries: Queries, slots: int) -> None:
    manager = QueueManager(queries)

    @manager.entrypoint("nothing")
    async def nothing(_job: Job) -> None:
        _first.note()

    @manager.entrypoint("fan")
    async def fan(job: Job) -> None:
        await fan_out(queries, int(job.payload or b"0"))

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, manager.shutdown.set)
    await manager.run(batch_size=slots // 2, max_concurrent_tasks=slots)


async def main() -> None:
    """Do what the command line says."""
    async with asyncpg.create_pool(os.environ["BENCHMARK_DATABASE"], min_size=2, max_size=10) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        if sys.argv[1] == "prepare":
            await queries.install()
        elif sys.argv[1] == "enqueue":
            await fan_out(queries, int(sys.argv[2]))
        else:
            await _work(queries, int(sys.argv[2]))


if __name__ == "__main__":
    uvloop.run(main())
