"""A kind of job that only the tests of the edge know: it greets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, ClassVar

from strongroom.domain.job import Job
from strongroom.sdk import InitContext, JobKind, ProcessContext, Start, results
from strongroom.services import jobs
from strongroom.vault import Vault


@dataclass(frozen=True)
class Person:
    id: int
    name: str = "nobody"


@dataclass(frozen=True)
class GreetingInput:
    room: str = "hall"
    loud: bool = False
    times: int | None = None
    people: list[Person] | None = None


class Greeting(JobKind[GreetingInput]):
    name = "greeting"
    title = "Greeting"
    input = GreetingInput
    start: ClassVar[tuple[Start, ...]] = (
        Start("POST", "/rooms/{room}/actions/greet"),
        Start("POST", "/rooms/batch/actions/greet", rows="people"),
    )

    async def init(self, ctx: InitContext[GreetingInput]) -> AsyncIterator[dict[str, Any]]:
        for person in ctx.input.people or [Person(0)]:
            yield {"id": person.id, "name": person.name}

    async def process(self, ctx: ProcessContext[GreetingInput]) -> None:
        ctx.output["said"] = [f"Hello, {item['name']}" for item in ctx.task.items]
        await ctx.log("greeted")

    @results("/rooms/actions/greet/{job_id}/results", rel="artifacts")
    async def results(self, vault: Vault, job: Job) -> dict[str, Any]:
        return {"data": [(task.output or {})["said"][0] async for task in jobs.task_outputs(vault, job)]}


class Broken(Greeting):
    """Falls over in a way that nobody has foreseen."""

    name = "broken"
    start = (Start("POST", "/rooms/actions/break"),)

    async def check(self, vault: Vault, given: GreetingInput) -> None:
        raise RuntimeError(f"secret detail of {vault.user.name} and {given.room}")

    def results_endpoints(self) -> list[Any]:
        return []
