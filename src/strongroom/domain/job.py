"""What a job is: its statuses, the legal moves between them, its tasks and its log."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobStatus(StrEnum):
    """The status of a job, in the words of the API."""

    SCHEDULED = "SCHEDULED"
    QUEUEING = "QUEUEING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    ERRORS_ENCOUNTERED = "ERRORS_ENCOUNTERED"
    FAILED_TO_RUN = "FAILED_TO_RUN"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    COMPLETED_DUE_TO_INACTIVITY = "COMPLETED_DUE_TO_INACTIVITY"
    MISSED_SCHEDULE = "MISSED_SCHEDULE"

    @property
    def is_terminal(self) -> bool:
        """Whether a job of this status has ended for good."""
        return not MOVES[self]


_S = JobStatus

MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    _S.SCHEDULED: frozenset({_S.QUEUEING, _S.QUEUED, _S.CANCELLED, _S.MISSED_SCHEDULE, _S.FAILED_TO_RUN}),
    _S.QUEUEING: frozenset({_S.QUEUED, _S.CANCELLED, _S.FAILED_TO_RUN, _S.TIMEOUT}),
    _S.QUEUED: frozenset({_S.RUNNING, _S.CANCELLED, _S.FAILED_TO_RUN, _S.TIMEOUT}),
    _S.RUNNING: frozenset(
        {_S.SUCCESS, _S.ERRORS_ENCOUNTERED, _S.TIMEOUT, _S.COMPLETED_DUE_TO_INACTIVITY, _S.CANCELLED}
    ),
    _S.SUCCESS: frozenset(),
    _S.ERRORS_ENCOUNTERED: frozenset(),
    _S.FAILED_TO_RUN: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.TIMEOUT: frozenset(),
    _S.COMPLETED_DUE_TO_INACTIVITY: frozenset(),
    _S.MISSED_SCHEDULE: frozenset(),
}
"""Every legal move. A status without moves is terminal: it never changes again."""

ACTIVE = tuple(status for status in JobStatus if not status.is_terminal)
ENDED = tuple(status for status in JobStatus if status.is_terminal)


def sources_of(target: JobStatus) -> tuple[JobStatus, ...]:
    """The statuses from which a job may move to ``target``: what the guarded SQL compares with."""
    return tuple(source for source, targets in MOVES.items() if target in targets)


class TaskState(StrEnum):
    """The state of one task of a job."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    ERRORS_ENCOUNTERED = "ERRORS_ENCOUNTERED"


@dataclass(frozen=True)
class Link:
    """One link of a finished job. ``href`` is relative to the host and holds ``{version}`` and ``{job_id}``."""

    rel: str
    href: str
    method: str = "GET"
    accept: str = "application/json"


@dataclass(frozen=True)
class Job:
    """One run of a job, as all see it. What the client asked for is read by who runs it."""

    id: int
    kind: str
    title: str
    status: JobStatus
    method: str | None
    created_by: int
    created_date: datetime
    modified_by: int
    modified_date: datetime
    run_start_date: datetime | None = None
    run_end_date: datetime | None = None
    links: tuple[Link, ...] = ()
    scheduled: bool = False
    sdk: bool = False
    total_tasks: int = 0
    open_tasks: int = 0
    failed_tasks: int = 0


@dataclass(frozen=True)
class Task:
    """One task of a job: some of its items, worked on together. ``number`` counts from 1."""

    job_id: int
    number: int
    state: TaskState
    attempt: int
    items: list[dict[str, Any]]
    output: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The task's id as the API shows it."""
        return f"Task{self.number}"


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log, in the order of ``id``; lines that were written together have the same."""

    id: int
    time: datetime
    text: str
    task: int | None = None


@dataclass(frozen=True)
class JobFilter:
    """Which jobs a list shows; ``None`` means all. Dates are inclusive and aware."""

    statuses: tuple[JobStatus, ...]
    start_date: datetime | None = None
    end_date: datetime | None = None
