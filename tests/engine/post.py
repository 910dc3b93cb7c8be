"""A post office for tests: messages of the real queue, delivered in any order, twice, late or never."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from strongroom.engine.execution import Execution
from strongroom.services import job_runs
from strongroom.vault import Vault

Letter = tuple[str, bytes]
"""The entrypoint of a message and its payload."""


@dataclass
class Post:
    """Takes messages out of the queue and brings them to workers; remembers all that it has ever seen."""

    vault: Vault
    queue: asyncpg.Connection
    workers: Sequence[Execution]
    seen: list[Letter] = field(default_factory=list)

    async def collect(self) -> list[Letter]:
        """Take every message that waits."""
        rows = await self.queue.fetch("DELETE FROM pgqueuer RETURNING id, entrypoint, payload")
        letters = [(row["entrypoint"], row["payload"]) for row in sorted(rows, key=lambda row: row["id"])]
        self.seen += letters
        return letters

    async def deliver(self, *letters: Letter) -> None:
        """Bring messages to the workers, one to each in turn, all at once."""
        takers = [self.workers[number % len(self.workers)] for number in range(len(letters))]
        steps = [
            getattr(worker, entrypoint)(payload) for worker, (entrypoint, payload) in zip(takers, letters, strict=True)
        ]
        await asyncio.gather(*steps)

    async def find_lost(self) -> int:
        """Have the messages of all active jobs written again, as the sweep does after some seconds."""
        return await job_runs.resend_lost(self.vault, untouched_seconds=0)

    async def until_quiet(self) -> None:
        """Deliver what comes until nothing comes any more."""
        while letters := await self.collect():
            for letter in letters:
                await self.deliver(letter)


async def disorder(post: Post, chance: random.Random, rounds: int) -> None:
    """Deliver as badly as can be for so many rounds: shuffled, together, twice, long after, or not at all."""
    waiting: list[Letter] = []
    for _ in range(rounds):
        waiting += await post.collect()
        chance.shuffle(waiting)
        what = chance.choice(["one", "one", "one", "twice", "together", "late", "lose", "sweep"])
        if what == "sweep":
            await post.find_lost()
        elif what == "late" and post.seen:
            await post.deliver(chance.choice(post.seen))
        elif what == "lose" and waiting:
            waiting.pop()
        elif what == "together":
            count = chance.randint(0, len(waiting))
            batch, waiting = waiting[:count], waiting[count:]
            await post.deliver(*batch)
        elif waiting:
            await post.deliver(*[waiting.pop()] * (2 if what == "twice" else 1))
