"""Procrastinate with PostgreSQL: a task that does nothing.

``prepare`` makes its tables, ``enqueue N`` defers so many, ``work SLOTS`` works until it is told to stop.
"""

import asyncio
import os
import sys

from benchmarks.peers.first import First
from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=os.environ["BENCHMARK_DATABASE"]))

_first = First()


@app.task(name="nothing")
async def nothing(number: int) -> None:  # noqa: ARG001 - it is told which one it is
    """Do nothing."""
    _first.note()


async def main() -> None:
    """Do what the command line says."""
    async with app.open_async():
        if sys.argv[1] == "prepare":
            await app.schema_manager.apply_schema_async()
        elif sys.argv[1] == "enqueue":
            await nothing.batch_defer_async(*({"number": number} for number in range(int(sys.argv[2]))))
        else:
            await app.run_worker_async(concurrency=int(sys.argv[2]))


if __name__ == "__main__":
    asyncio.run(main())
