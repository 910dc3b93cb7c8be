"""A kind of job whose input says how it goes: the engine's tests run it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, ClassVar

from strongroom.domain.errors import InvalidData
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext, Start


@dataclass(frozen=True)
class CountingInput:
    """``items`` items, of which those in ``bad`` fail, those in ``broken`` raise, and those in ``refused`` are refused."""

    items: int = 1
    bad: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    init_breaks_at: int = -1
    completion_breaks: bool = False


class Counting(JobKind[CountingInput]):
    """Counts its items."""

    name = "counting"
    title = "Counting"
    input = CountingInput
    start = (Start("POST", "/counting"),)
    chunk_size: ClassVar[int | None] = 3

    async def check(self, vault: object, given: CountingInput) -> None:
        if given.items < 0:
            raise InvalidData(f"[items] must not be negative: [{given.items}].")

    async def init(self, ctx: InitContext[CountingInput]) -> AsyncIterator[dict[str, Any]]:
        for number in range(ctx.input.items):
            if number == ctx.input.init_breaks_at:
                raise RuntimeError("init is broken")
            yield {"number": number}

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        numbers = [item["number"] for item in ctx.task.items]
        ctx.output["numbers"] = numbers
        await ctx.log(f"counting {numbers}")
        for number in numbers:
            if number in ctx.input.broken:
                raise RuntimeError(f"number {number} is broken")
            if number in ctx.input.refused:
                raise InvalidData(f"Number [{number}] is refused.")
            if number in ctx.input.bad:
                ctx.fail()

    async def complete_with_success(self, ctx: CompletionContext[CountingInput]) -> None:
        await ctx.log(f"all {ctx.number_tasks} tasks ended well")
        if ctx.input.completion_breaks:
            raise RuntimeError("the completion is broken")

    async def complete_with_error(self, ctx: CompletionContext[CountingInput]) -> None:
        await ctx.log(f"{ctx.number_failed_tasks} of {ctx.number_tasks} tasks failed")
