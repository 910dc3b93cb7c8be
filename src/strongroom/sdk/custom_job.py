"""A custom job: the class that a user writes, in the words of the Vault Java SDK."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from strongroom.domain.custom_job import JobMetadata
from strongroom.domain.errors import InvalidData
from strongroom.sdk.custom_contexts import JobCompletionContext, JobInitContext, JobProcessContext

Marked = TypeVar("Marked", bound="type[Job]")


@dataclass(frozen=True, kw_only=True)
class JobInfo:
    """Marks a class as a custom job: ``@JobInfo(idempotent=True)``.

    ``admin_configurable``: admins may define and schedule it. ``idempotent``: a task may be worked on again, after a
    worker has died or by ``set_retry``. ``is_visible``: it is listed. ``admin_cancellable``: it may be cancelled.
    """

    admin_configurable: bool = False
    idempotent: bool = False
    is_visible: bool = True
    admin_cancellable: bool = False

    def __call__(self, job: Marked) -> Marked:
        """Mark a class."""
        job.info = self
        return job


class Job:
    """A custom job. Its methods may be plain ``def``, which run in threads, or ``async def``; it keeps no state."""

    metadata: ClassVar[JobMetadata]
    info: ClassVar[JobInfo]

    def init(self, context: JobInitContext) -> Any:
        """Give the job's items: by ``yield``, as a list, or by ``context.new_job_input(items)``."""
        raise NotImplementedError

    def process(self, context: JobProcessContext) -> Any:
        """Work on ``context.current_task``; called once for each task, in parallel."""
        raise NotImplementedError

    def complete_with_success(self, context: JobCompletionContext) -> Any:
        """Close a job all of whose tasks ended with SUCCESS."""

    def complete_with_error(self, context: JobCompletionContext) -> Any:
        """Close a job of which a task ended otherwise."""


def is_custom_job(found: object) -> bool:
    """Whether something is a class that says of itself that it is a custom job."""
    return isinstance(found, type) and issubclass(found, Job) and bool({"metadata", "info"} & vars(found).keys())


def check(job: type[Job]) -> None:
    """Refuse a class that lacks something which each custom job has."""
    if not isinstance(getattr(job, "metadata", None), JobMetadata):
        raise InvalidData(f"The class {job.__name__} says no metadata = JobMetadata(name=..., label=..., ...).")
    if not isinstance(vars(job).get("info"), JobInfo):
        raise InvalidData(f"The class {job.__name__} is not marked by @JobInfo(...).")
    for name in ("init", "process"):
        if getattr(job, name) is getattr(Job, name):
            raise InvalidData(f"The class {job.__name__} has no method {name}.")
