"""A worker process of Strongroom's that knows two kinds of jobs which do nothing.

``python -m benchmarks.worker DATABASE_URL DATA_DIR SLOTS`` works until SIGTERM.
"""

import asyncio
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import uvloop
from benchmarks.peers.first import First

from strongroom.config import Settings
from strongroom.engine import worker
from strongroom.main.vault import open_vault
from strongroom.sdk import InitContext, JobKind, ProcessContext

_FIRST = First()


@dataclass(frozen=True)
class Much:
    """How many items a job has."""

    items: int = 1


class Whole(JobKind[Much]):
    """A job that runs as a whole and does nothing."""

    name = "benchmark_whole"
    title = "Nothing"
    input = Much
    chunk_size: ClassVar[int | None] = None

    async def init(self, ctx: InitContext[Much]) -> AsyncIterator[dict[str, Any]]:
        """One item for each that was asked for."""
        for number in range(ctx.input.items):
            yield {"number": number}

    async def process(self, ctx: ProcessContext[Much]) -> None:  # noqa: ARG002 - there is nothing to do
        """Do nothing."""
        _FIRST.note()


class Singles(Whole):
    """A job of many tasks, of one item each, which do nothing."""

    name = "benchmark_singles"
    title = "Nothing, many times"
    chunk_size = 1


KINDS: dict[str, JobKind[Any]] = {kind.name: kind for kind in (Whole(), Singles())}


async def main() -> None:
    """Work, as ``strongroom.main.worker.work`` does it."""
    url, folder, slots = sys.argv[1:]
    settings = Settings(database_url=url, data_dir=Path(folder), slots=int(slots), limits="off")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_vault(settings) as vault:
        await worker.run(vault, KINDS, worker_id=str(uuid.uuid4()), stop=stop)


if __name__ == "__main__":
    uvloop.run(main())
