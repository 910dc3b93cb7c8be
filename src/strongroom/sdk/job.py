"""A kind of job: one class, whose instance has no state of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Generic, Literal, TypeVar

from strongroom.domain.job import Job, JobTraits, Link
from strongroom.domain.job_definition import NewDefinition
from strongroom.sdk.contexts import CompletionContext, InitContext, Input, ProcessContext
from strongroom.vault import Vault

Method = Literal["GET", "POST", "PUT", "DELETE"]
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True)
class Start:
    """A call that starts the job. ``path`` is below ``/api/{version}``; its ``{parameters}`` are fields of the input.

    ``rows`` names the input field that takes the body, where the body is an array (JSON) or a table (CSV).
    """

    method: Method
    path: str
    rows: str | None = None


@dataclass(frozen=True)
class ResultsEndpoint:
    """A call that gives the results of a finished job, and the link that offers it.

    ``path`` is below ``/api/{version}`` and holds ``{job_id}``.
    """

    path: str
    rel: str
    accept: str = "application/json"

    def link(self) -> Link:
        """The link as the job row keeps it; version and job id are filled in when it is shown."""
        return Link(self.rel, "/api/{version}" + self.path, "GET", self.accept)


def results(path: str, *, rel: str, accept: str = "application/json") -> Callable[[Handler], Handler]:
    """Mount a kind's method as the call that gives the results of a finished job.

    The method takes the Vault and the job, and returns the reply's keys without ``responseStatus``.
    """

    def mark(method: Handler) -> Handler:
        method.results = ResultsEndpoint(path, rel, accept)  # type: ignore[attr-defined]
        return method

    return mark


class JobKind(Generic[Input]):
    """What a kind of job says; the engine owns order, storage, retry and cancel."""

    name: ClassVar[str]
    """What the row is marked with: lower case, with underscores, never changed."""
    title: ClassVar[str]
    """What people see."""
    input: ClassVar[type[Any]]
    """A dataclass: path, query and body by field name."""
    start: ClassVar[tuple[Start, ...]] = ()
    chunk_size: ClassVar[int | None] = 1
    """How many items one task works on together. None: the job is one task, done in one go or not at all."""
    limit: ClassVar[timedelta | None] = None
    """How long a job may be active; None: as long as Vault's own may."""

    def own_definition(self, vault: Vault) -> NewDefinition | None:  # noqa: ARG002 - for kinds' own
        """Give the definition that every Vault has of this kind, if it has one; its name is the kind's."""
        return None

    def traits(self) -> JobTraits:
        """What the rows of such jobs are told."""
        return JobTraits(self.name, self.title, whole=self.chunk_size is None, limit=self.limit)

    async def check(self, vault: Vault, given: Input) -> None:
        """Refuse, by raising an error of ``domain.errors``, what must not be queued."""

    async def init(self, ctx: InitContext[Input]) -> AsyncIterator[dict[str, Any]]:  # noqa: ARG002 - for kinds' own
        """Give the job's items, one after the other; each is a small JSON object. By default it is one task, of one."""
        yield {}

    async def process(self, ctx: ProcessContext[Input]) -> None:
        """Work on the items of one task."""
        raise NotImplementedError

    async def complete_with_success(self, ctx: CompletionContext[Input]) -> None:
        """Close a job of which every task ended well."""

    async def complete_with_error(self, ctx: CompletionContext[Input]) -> None:
        """Close a job of which a task ended with errors."""

    def completes(self) -> bool:
        """Whether this kind has a completion of its own."""
        closings = ("complete_with_success", "complete_with_error")
        return any(getattr(type(self), name) is not getattr(JobKind, name) for name in closings)

    def started(self, job: Job, url: str) -> dict[str, Any]:
        """Give the keys of the reply to the starting call; ``url`` is the relative URL of the job."""
        return {"url": url, "job_id": job.id}

    def results_endpoints(self) -> list[tuple[ResultsEndpoint, Callable[[Vault, Job], Awaitable[dict[str, Any]]]]]:
        """The results calls of this kind, in the order of their definition."""
        methods = (getattr(self, name) for name in vars(type(self)) if not name.startswith("_"))
        return [(method.results, method) for method in methods if hasattr(method, "results")]

    def links(self) -> tuple[Link, ...]:
        """The links of a finished job, beside ``self``."""
        return tuple(endpoint.link() for endpoint, _ in self.results_endpoints())
