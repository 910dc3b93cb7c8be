"""The custom jobs of the demo: how long they prepare, how long they work, and how they end, is said by parameters."""

import asyncio
from collections.abc import AsyncIterator

from strongroom.sdk import (
    Job,
    JobInfo,
    JobInitContext,
    JobItem,
    JobMetadata,
    JobParamValueType,
    JobProcessContext,
    TaskState,
)

CONFIGURABLE = JobInfo(admin_configurable=True, idempotent=True, admin_cancellable=True)


@CONFIGURABLE
class Steps(Job):
    """One task. Unless it is ``silent``, its log grows each second: a sign of life."""

    metadata = JobMetadata(name="demo_steps__c", label="Demo Steps", chunk_size=1)

    async def init(self, context: JobInitContext) -> AsyncIterator[JobItem]:
        """Prepare."""
        await asyncio.sleep(seconds(context, "preparing"))
        yield context.new_job_item().set_value("step", 1)

    async def process(self, context: JobProcessContext) -> None:
        """Work."""
        silent = context.get_job_parameter("silent") is not None
        for second in range(seconds(context, "working")):
            if not silent:
                context.job_logger.log(f"{second} s of work are done.")
            await asyncio.sleep(1)
        if context.get_job_parameter("failing") is not None:
            context.current_task.task_output.set_state(TaskState.ERRORS_ENCOUNTERED)


@CONFIGURABLE
class ShortSteps(Steps):
    """The same, a minute at most."""

    metadata = JobMetadata(name="demo_short_steps__c", label="Demo Steps, One Minute", chunk_size=1, timeout_duration=1)


@CONFIGURABLE
class QueuedSteps(Steps):
    """The same, in a queue of its own."""

    metadata = JobMetadata(name="demo_queued_steps__c", label="Demo Steps, Queued", chunk_size=1, queue="demo_queue__c")


@CONFIGURABLE
class SingleSteps(Steps):
    """The same, one at a time."""

    metadata = JobMetadata(
        name="demo_single_steps__c",
        label="Demo Steps, One At A Time",
        chunk_size=1,
        single_instance_states=("running",),
    )


def seconds(context: JobInitContext | JobProcessContext, name: str) -> int:
    """A parameter that says how long something takes."""
    return int(context.get_job_parameter(name, JobParamValueType.NUMBER) or 0)
