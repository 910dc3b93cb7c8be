"""Files of custom jobs as users write them: the tests put them into a jobs folder."""

HEAD = """
from pathlib import Path
from strongroom.sdk import *
from strongroom.services import contents, users
"""


def job(name: str, body: str, *, info: str = "", metadata: str = "chunk_size=2") -> str:
    """A file with one job; ``body`` are its methods, indented by four."""
    return f"""{HEAD}
@JobInfo({info})
class Written(Job):
    metadata = JobMetadata(name="{name}", label="Written by a test", {metadata})
{body}
"""


AUDIT = job(
    "audit__c",
    """
    def init(self, context):
        count = context.get_job_parameter("count", JobParamValueType.NUMBER)
        context.job_logger.log(f"{count} items are made")
        for number in range(count):
            yield context.new_job_item().set_value("id", number).set_value("name", f"n{number}")

    def process(self, context):
        task = context.current_task
        numbers = [item.get_value("id", JobValueType.NUMBER) for item in task.items]
        context.job_logger.log(f"{task.task_id} has {numbers}, {task.items[0].get_value('name')} first")
        if 3 in numbers and context.get_job_parameter("fail", JobParamValueType.BOOLEAN):
            task.task_output.set_state(TaskState.ERRORS_ENCOUNTERED)
        task.task_output.set_value("checked", len(numbers))

    def complete_with_success(self, context):
        result = context.job_result
        checked = sum(task.task_output.get_value("checked", JobValueType.NUMBER) for task in context.tasks)
        context.job_logger.log(f"{result.number_tasks} tasks, {result.number_failed_tasks} failed, {checked} checked")

    def complete_with_error(self, context):
        failed = [task.task_id for task in context.error_tasks]
        context.job_logger.log(f"failed: {failed} of {context.job_result.number_tasks}")
""",
    info="admin_configurable=True, idempotent=True",
    metadata="chunk_size=2, queue='audits__c', description='What tests run.'",
)

ASYNC = job(
    "async__c",
    """
    async def init(self, context):
        for number in range(3):
            yield context.new_job_item().set_value("id", number)

    async def process(self, context):
        owner = await users.retrieve(context.vault, context.job.created_by)
        context.job_logger.log(f"for {owner.name}")
        context.current_task.task_output.set_value("user", owner.id)

    async def complete_with_success(self, context):
        async for task in context.tasks:
            context.job_logger.log(f"{task.task_id} {task.task_output.state}")
        owner = await users.retrieve(context.vault, context.job.created_by)
        context.job_logger.log(f"done for {owner.name}")
""",
)


def with_init(name: str, lines: str, *, metadata: str = "chunk_size=2") -> str:
    """A job whose ``init`` has these lines, and whose tasks do nothing."""
    indented = "".join(f"        {line}\n" for line in lines.strip().splitlines())
    return job(name, f"    def init(self, context):\n{indented}    def process(self, context): pass", metadata=metadata)


def with_process(name: str, lines: str, *, info: str = "") -> str:
    """A job of one task, whose ``process`` has these lines."""
    indented = "".join(f"        {line}\n" for line in lines.strip().splitlines())
    init = "    def init(self, context): return [context.new_job_item().set_value('id', 1)]\n"
    return job(name, f"{init}    def process(self, context):\n{indented}", info=info)
