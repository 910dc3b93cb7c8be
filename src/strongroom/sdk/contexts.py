"""What a job's code is given: its input, its task, the Vault as the job's owner sees it, and the job's log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from strongroom.domain.job import Job, Task, TaskState
from strongroom.vault import Vault

Input = TypeVar("Input")
Log = Callable[[str], Awaitable[None]]
Apply = Callable[[Vault], Awaitable[None]]


@dataclass(frozen=True)
class InitContext(Generic[Input]):
    """Given to ``init``, once per job."""

    vault: Vault
    job: Job
    input: Input
    log: Log


@dataclass
class ProcessContext(Generic[Input]):
    """Given to ``process``, once per task.

    The task's work reads and writes blobs; what it wants to write to the Vault it says by ``apply``, and that runs at
    the end in one transaction with the task's state and output: all of it happens, once, or nothing.
    """

    vault: Vault
    job: Job
    input: Input
    task: Task
    log: Log
    state: TaskState = TaskState.SUCCESS
    output: dict[str, Any] = field(default_factory=dict)
    applies: list[Apply] = field(default_factory=list)
    retry: bool = False
    """Whether the task is to be worked on again: then nothing of this try is kept."""

    def apply(self, deed: Apply) -> None:
        """Have ``deed`` called with the Vault inside the closing transaction."""
        self.applies.append(deed)

    def fail(self) -> None:
        """End this task with errors."""
        self.state = TaskState.ERRORS_ENCOUNTERED


@dataclass(frozen=True)
class CompletionContext(Generic[Input]):
    """Given to the completion, once, inside the transaction that ends the job."""

    vault: Vault
    job: Job
    input: Input
    log: Log
    tasks: Callable[[], AsyncIterator[Task]]

    @property
    def number_tasks(self) -> int:
        """How many tasks the job had."""
        return self.job.total_tasks

    @property
    def number_failed_tasks(self) -> int:
        """How many of them ended with errors."""
        return self.job.failed_tasks
