"""A kind of job whose tasks last, and say which host works on them."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from strongroom.sdk import InitContext, JobKind, ProcessContext


@dataclass(frozen=True)
class SlowInput:
    """How many tasks, and how many seconds each lasts on which host."""

    tasks: int
    seconds: dict[str, float] = field(default_factory=dict)


class Slow(JobKind[SlowInput]):
    """Waits."""

    name = "slow"
    title = "Slow"
    input = SlowInput
    chunk_size = 1

    async def check(self, vault: object, given: SlowInput) -> None:
        return

    async def init(self, ctx: InitContext[SlowInput]) -> AsyncIterator[dict[str, Any]]:
        for number in range(ctx.input.tasks):
            yield {"number": number}

    async def process(self, ctx: ProcessContext[SlowInput]) -> None:
        host = os.environ["HOST_OF_TESTS"]
        await ctx.log(f"task {ctx.task.number} begun on {host}")
        await asyncio.sleep(ctx.input.seconds[host])
        ctx.output["host"] = host
        await ctx.log(f"task {ctx.task.number} done on {host}")
