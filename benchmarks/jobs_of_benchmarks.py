"""A custom job of as many items as it is told, which does nothing with them; a server is given its folder's copy."""

from collections.abc import Iterator

from strongroom.sdk import (
    Job,
    JobCompletionContext,
    JobInfo,
    JobInitContext,
    JobItem,
    JobMetadata,
    JobParamValueType,
    JobProcessContext,
    JobValueType,
)


@JobInfo(idempotent=True)
class Large(Job):
    """500 items make a task, the most that may."""

    metadata = JobMetadata(name="large__c", label="Large", chunk_size=500)

    def init(self, context: JobInitContext) -> Iterator[JobItem]:
        """As many items as ``items`` says."""
        for number in range(int(context.get_job_parameter("items", JobParamValueType.NUMBER))):
            yield context.new_job_item().set_value("number", number)

    async def process(self, context: JobProcessContext) -> None:
        """Count the items of a task."""
        task = context.current_task
        task.task_output.set_value("items", len(task.items))

    def complete_with_success(self, context: JobCompletionContext) -> None:
        """Say how many there were."""
        items = sum(task.task_output.get_value("items", JobValueType.NUMBER) for task in context.tasks)
        context.job_logger.log(f"there were {items} items")

    def complete_with_error(self, context: JobCompletionContext) -> None:
        """Nothing: the benchmark fails by that."""
