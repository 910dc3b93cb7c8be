"""Makes a custom job, which a user has written, a kind of job that the engine runs."""

import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from strongroom.domain.custom_job import TASK_BYTES_MAX, TASKS_MAX, RegisteredJob
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import JobTraits
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext
from strongroom.sdk.bridge import Bridge
from strongroom.sdk.contexts import Apply
from strongroom.sdk.custom_contexts import (
    JobCompletionContext,
    JobInitContext,
    JobProcessContext,
    JobResult,
    JobService,
    JobTask,
    JobTasks,
)
from strongroom.sdk.custom_job import Job
from strongroom.sdk.custom_values import JobInput, JobItem, TaskOutput, size
from strongroom.sdk.threads import in_thread
from strongroom.services import custom_jobs, job_metadata

Parameters = dict[str, Any]

# Items are asked for in a thread, so many at a time, or those of so many seconds.
_BATCH, _BATCH_SECONDS = 1000, 0.2


class CustomKind(JobKind[Parameters]):
    """A kind of which each step calls the method of a user's job."""

    input = dict

    def __init__(self, job: Job, registered: RegisteredJob) -> None:
        self.job = job
        self.registered = registered

    def traits(self) -> JobTraits:
        """What the rows of such jobs are told."""
        return job_metadata.traits_of(self.registered)

    async def init(self, ctx: InitContext[Parameters]) -> AsyncIterator[dict[str, Any]]:
        """Give the items that the job's own ``init`` gives, as long as they keep the limits."""
        bridge = Bridge(ctx.vault, ctx.log)
        context = JobInitContext(bridge, ctx.job, ctx.input, JobService(None, custom_jobs.run))
        limits = _Limits(self.registered.chunk_size)
        try:
            async for item in _items(self.job, context):
                limits.count(item)
                yield item.values
        finally:
            await bridge.close()

    async def process(self, ctx: ProcessContext[Parameters]) -> None:
        """Call the job's own ``process``, and take what it says of the task."""
        bridge, applied = Bridge(ctx.vault, ctx.log), list[Apply]()
        output = TaskOutput(task_id=ctx.task.id, idempotent=self.registered.idempotent)
        task = JobTask(ctx.task.id, [JobItem(item) for item in ctx.task.items], output)
        service = JobService(applied, custom_jobs.run)
        try:
            await _called(self.job.process, JobProcessContext(bridge, ctx.job, ctx.input, service, task))
        finally:
            await bridge.close()
        ctx.retry = output.retry
        if not output.retry:
            _check_output(output)
            ctx.state, ctx.output = output.state, output.values
            ctx.applies.extend(applied)

    async def complete_with_success(self, ctx: CompletionContext[Parameters]) -> None:
        """Call the job's own completion."""
        await self._complete(self.job.complete_with_success, ctx)

    async def complete_with_error(self, ctx: CompletionContext[Parameters]) -> None:
        """Call the job's own completion."""
        await self._complete(self.job.complete_with_error, ctx)

    async def _complete(self, method: Callable[[Any], Any], ctx: CompletionContext[Parameters]) -> None:
        # All of it joins the transaction that ends the job, whose one connection does one thing at a time.
        bridge, applied = Bridge(ctx.vault, ctx.log, at_once=False), list[Apply]()
        context = JobCompletionContext(
            bridge,
            ctx.job,
            ctx.input,
            JobService(applied, custom_jobs.run),
            JobResult(ctx.number_tasks, ctx.number_failed_tasks),
            JobTasks(bridge, ctx.tasks),
            JobTasks(bridge, ctx.tasks, failed_only=True),
        )
        try:
            await _called(method, context)
        finally:
            await bridge.close()
        for apply in applied:
            await apply(ctx.vault)


def adapted(job: Job, registered: RegisteredJob) -> CustomKind:
    """Make the kind of a job."""

    class Adapted(CustomKind):
        name = registered.name
        title = registered.label
        chunk_size = registered.chunk_size

    return Adapted(job, registered)


@dataclass
class _Limits:
    """Counts items into tasks as the engine cuts them, and refuses too many, and too large ones."""

    chunk_size: int
    items: int = 0
    bytes: int = 0

    def count(self, item: JobItem) -> None:
        if self.items % self.chunk_size == 0:
            self.bytes = 1
        self.items += 1
        self.bytes += size(item.values) + 1  # a comma, or the bracket at the end
        task = (self.items - 1) // self.chunk_size + 1
        if task > TASKS_MAX:
            raise InvalidData(
                f"The job has more than {TASKS_MAX:,} tasks, the most of one job: its item {self.items:,} would begin "
                f"task {task:,}, with {self.chunk_size} items a task. Raise chunk_size, or start several jobs."
            )
        if self.bytes > TASK_BYTES_MAX:
            raise InvalidData(
                f"The items of Task{task} have {self.bytes:,} bytes as JSON at item {self.items:,}; 128 KB "
                f"({TASK_BYTES_MAX:,}) are the most of one task. Lower chunk_size, or keep less in an item."
            )


async def _items(job: Job, context: JobInitContext) -> AsyncIterator[JobItem]:
    given = await _called(job.init, context)
    if isinstance(given, JobInput):
        given = given.items
    if given is None:
        raise InvalidData(f"{type(job).__name__}.init gave None: give an empty list if there is nothing to do.")
    if not hasattr(given, "__aiter__"):
        given = _from_thread(_iterator(job, given))
    async for item in given:
        if not isinstance(item, JobItem):
            raise InvalidData(
                f"{type(job).__name__}.init gave {type(item).__name__} as an item: make it by context.new_job_item()."
            )
        yield item


def _iterator(job: Job, given: Any) -> Iterator[Any]:
    try:
        return iter(given)
    except TypeError as error:
        raise InvalidData(f"{type(job).__name__}.init gave {type(given).__name__}, which holds no items.") from error


async def _from_thread(items: Iterator[Any]) -> AsyncIterator[Any]:
    while batch := await in_thread(_next_of, items):
        for item in batch:
            yield item


def _next_of(items: Iterator[Any]) -> list[Any]:
    batch, until = list[Any](), time.monotonic() + _BATCH_SECONDS
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH or time.monotonic() > until:
            break
    return batch


async def _called(method: Callable[[Any], Any], context: Any) -> Any:
    """Call a method of a job in its colour: ``async def`` here, plain ``def`` in a thread."""
    if inspect.isasyncgenfunction(method):
        return method(context)
    if inspect.iscoroutinefunction(method):
        return await method(context)
    return await in_thread(method, context)


def _check_output(output: TaskOutput) -> None:
    found = size(output.values)
    if found > TASK_BYTES_MAX:
        raise InvalidData(
            f"The output of {output.task_id} has {found:,} bytes as JSON; 128 KB ({TASK_BYTES_MAX:,}) are the most of "
            "one task. Keep less in it."
        )
