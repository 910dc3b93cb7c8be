"""What a custom job's code is given, in the words of the Vault Java SDK."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.domain.job import Job, Task, TaskState
from strongroom.sdk.bridge import Bridge
from strongroom.sdk.contexts import Apply
from strongroom.sdk.custom_values import (
    JobInput,
    JobItem,
    JobParameters,
    JobParamValueType,
    TaskOutput,
    check_parameters,
    converted,
)
from strongroom.vault import Vault


@dataclass(frozen=True)
class JobLogger:
    """The log of the job."""

    bridge: Bridge

    def log(self, text: str) -> None:
        """Write a line."""
        self.bridge.log(text)


@dataclass(frozen=True)
class JobService:
    """Starts other jobs: when the task, or the job, ends, and in the same transaction."""

    applied: list[Apply] | None
    start: Callable[[Vault, str, dict[str, Any]], Awaitable[Any]]

    def new_job_parameters(self, name: str) -> JobParameters:
        """Make the parameters of a job of this name."""
        return JobParameters(name=name)

    def run(self, parameters: JobParameters) -> None:
        """Start the job. A task that is worked on twice starts it once."""
        if not isinstance(parameters, JobParameters):
            raise InvalidData("JobService.run takes what new_job_parameters has made.")
        check_parameters(parameters.name, parameters.values)
        given = dict(parameters.values)
        self.add(lambda vault: self.start(vault, parameters.name, given))

    def add(self, deed: Callable[[Vault], Awaitable[Any]]) -> None:
        """Have something done in the transaction that ends the task, or the job."""
        if self.applied is None:
            raise OperationNotAllowed("init ends no task: start jobs and write in process, or in the completion.")

        async def apply(vault: Vault) -> None:
            await deed(vault)

        self.applied.append(apply)


@dataclass(frozen=True)
class JobContext:
    """What the code of each step is given."""

    bridge: Bridge
    job: Job
    parameters: dict[str, Any]
    job_service: JobService

    @property
    def vault(self) -> Vault:
        """The Vault as the job's owner sees it: what ``async def`` code gives to services."""
        return self.bridge.vault

    @property
    def job_logger(self) -> JobLogger:
        """The log of the job."""
        return JobLogger(self.bridge)

    def call(self, service: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call a service from plain ``def`` code: ``context.call(documents.retrieve, 7)``."""
        return self.bridge.call(service, *args, **named)

    def apply(self, service: Callable[..., Awaitable[Any]], *args: Any, **named: Any) -> None:
        """Have a service called in the transaction that ends the task, or the job: its effect is there once."""
        self.job_service.add(lambda vault: service(vault, *args, **named))

    def get_job_parameter(self, name: str, kind: JobParamValueType = JobParamValueType.STRING) -> Any:
        """A parameter of the job; None if it was not given."""
        return converted(name, self.parameters.get(name), kind)


@dataclass(frozen=True)
class JobInitContext(JobContext):
    """Given to ``init``."""

    def new_job_item(self) -> JobItem:
        """Make an item."""
        return JobItem()

    def new_job_input(self, items: Any) -> JobInput:
        """Make the job's input of items: a list, a generator, or any other iterable."""
        return JobInput(items)


@dataclass(frozen=True)
class JobTask:
    """A task: its items, and what becomes of it. The items of an ended task are not read again."""

    task_id: str
    items: list[JobItem]
    task_output: TaskOutput


@dataclass(frozen=True)
class JobProcessContext(JobContext):
    """Given to ``process``."""

    current_task: JobTask


@dataclass(frozen=True)
class JobResult:
    """How the tasks of a job have ended."""

    number_tasks: int
    number_failed_tasks: int


@dataclass(frozen=True)
class JobTasks:
    """The ended tasks of a job, in order: for ``for``, and in ``async def`` code for ``async for``."""

    bridge: Bridge
    read: Callable[[], AsyncIterator[Task]]
    failed_only: bool = False

    def __iter__(self) -> Iterator[JobTask]:
        return self.bridge.iterate(self.__aiter__())

    async def __aiter__(self) -> AsyncIterator[JobTask]:
        async for task in self.read():
            if not self.failed_only or task.state is TaskState.ERRORS_ENCOUNTERED:
                output = TaskOutput(dict(task.output or {}), task.id, told={"state": task.state})
                yield JobTask(task.id, [], output)


@dataclass(frozen=True)
class JobCompletionContext(JobContext):
    """Given to the completion. A completion whose worker dies is called again."""

    job_result: JobResult
    tasks: JobTasks
    error_tasks: JobTasks
