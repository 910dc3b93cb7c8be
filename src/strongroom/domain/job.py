"""What a job is: its statuses, the legal moves between them, its tasks and its log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
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
        return self in ENDED


@dataclass(frozen=True)
class Move:
    """One legal move of a job, and what brings it about. Source: section 3 of the facts about jobs."""

    source: JobStatus
    target: JobStatus
    cause: str


_S = JobStatus

MOVES: tuple[Move, ...] = (
    Move(_S.SCHEDULED, _S.QUEUEING, "its time has come, or it is started now"),
    Move(_S.SCHEDULED, _S.QUEUED, "the same, of a job that runs as a whole"),
    Move(_S.SCHEDULED, _S.CANCELLED, "an admin cancels it, or its definition is made inactive"),
    Move(
        _S.SCHEDULED,
        _S.MISSED_SCHEDULE,
        "the grace after its time has passed: no worker was there, or an earlier run goes on",
    ),
    Move(_S.SCHEDULED, _S.FAILED_TO_RUN, "its code, owner or parameters are not fit for a start"),
    Move(_S.QUEUEING, _S.QUEUED, "its tasks have been written"),
    Move(_S.QUEUEING, _S.CANCELLED, "it is cancelled"),
    Move(_S.QUEUEING, _S.FAILED_TO_RUN, "its items could not be made"),
    Move(_S.QUEUEING, _S.TIMEOUT, "its deadline has passed"),
    Move(_S.QUEUED, _S.RUNNING, "a worker takes its first task, or the whole of it"),
    Move(_S.QUEUED, _S.CANCELLED, "it is cancelled, or its queue is reset"),
    Move(_S.QUEUED, _S.FAILED_TO_RUN, "its code is gone"),
    Move(_S.QUEUED, _S.TIMEOUT, "its deadline has passed"),
    Move(_S.RUNNING, _S.SUCCESS, "every task ended well, and its completion too"),
    Move(_S.RUNNING, _S.ERRORS_ENCOUNTERED, "a task, or the completion, ended with errors"),
    Move(_S.RUNNING, _S.CANCELLED, "it is cancelled"),
    Move(_S.RUNNING, _S.TIMEOUT, "its deadline has passed"),
    Move(
        _S.RUNNING,
        _S.COMPLETED_DUE_TO_INACTIVITY,
        "no task of it has begun or ended and no line was logged for too long",
    ),
)
"""Every legal move. The guarded SQL, the diagram in docs/reference/job-statuses.md and the tests are made of this."""


def sources_of(target: JobStatus) -> tuple[JobStatus, ...]:
    """The statuses from which a job may move to ``target``: what the guarded SQL compares with."""
    return tuple(move.source for move in MOVES if move.target is target)


ACTIVE = tuple(status for status in JobStatus if any(move.source is status for move in MOVES))
ENDED = tuple(status for status in JobStatus if status not in ACTIVE)


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


ONE_TIME_LIMIT = timedelta(minutes=1380)
SCHEDULED_LIMIT = timedelta(minutes=4320)
"""How long a job may be active unless its kind says otherwise: by a call, and by its schedule."""


@dataclass(frozen=True)
class JobTraits:
    """What a job is like by its kind: what its row is told when it is made.

    ``limit``: how long it may be active; None means as long as jobs of its sort may. ``single_instance_states``: a
    further job is not begun while one of its kind has such a status.
    """

    kind: str
    title: str
    whole: bool = False
    sdk: bool = False
    queue: str | None = None
    cancellable: bool = True
    idempotent: bool = True
    visible: bool = True
    limit: timedelta | None = None
    single_instance_states: frozenset[JobStatus] = frozenset()
    code_sha256: str | None = None

    @property
    def first_status(self) -> JobStatus:
        """What a job begins with when it is started: one that runs as a whole has no tasks to be written."""
        return JobStatus.QUEUED if self.whole else JobStatus.QUEUEING


@dataclass(frozen=True)
class Job:
    """One run of a job, as all see it. What the client asked for is read by who runs it.

    ``run_start_date`` is the planned one (``schedule_date``) for as long as the job is SCHEDULED. ``scheduled``: it is
    an instance of a definition.
    """

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
    schedule_date: datetime | None = None
    definition: int | None = None
    queue: str | None = None
    cancellable: bool = True
    idempotent: bool = True
    code_sha256: str | None = None
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
