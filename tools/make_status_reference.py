"""Writes docs/reference/job-statuses.md from the one table of legal moves; a test holds the two together."""

from collections.abc import Iterator
from pathlib import Path

from strongroom.api.endpoints.jobs import _HISTORY_FILTERS, _MONITOR_FILTERS
from strongroom.domain.job import ACTIVE, MOVES, JobStatus

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "job-statuses.md"
BEGINNINGS = {
    JobStatus.SCHEDULED: "the next instance of an active job definition",
    JobStatus.QUEUEING: "a call, or another job, starts it",
    JobStatus.QUEUED: "the same, of a job that runs as a whole",
}
"""What a job may begin with. ``JobTraits.first_status`` and the definitions say so."""
MEANINGS = {
    JobStatus.SCHEDULED: "waits for its planned time; can be started now or cancelled",
    JobStatus.QUEUEING: "its items are being made and cut into tasks",
    JobStatus.QUEUED: "is ready, and waits for a free worker, or for the delivery of its queue",
    JobStatus.RUNNING: "a worker has taken a task of it, or the whole of it",
    JobStatus.SUCCESS: "ended without errors",
    JobStatus.ERRORS_ENCOUNTERED: "ended, and a task or the completion had errors; the results may be partial",
    JobStatus.FAILED_TO_RUN: "could not be started",
    JobStatus.CANCELLED: "was ended by somebody, and takes nothing more from what still works on it",
    JobStatus.TIMEOUT: "was active for longer than jobs of its kind may",
    JobStatus.COMPLETED_DUE_TO_INACTIVITY: "was RUNNING without a sign of life for too long",
    JobStatus.MISSED_SCHEDULE: "its planned time, and the grace after it, passed without a start",
}
HEAD = """\
# Statuses of jobs

Made by `python tools/make_status_reference.py` from `MOVES` in `src/strongroom/domain/job.py`. The statements that move
a job are made of the same table, so the database refuses whatever is not in it.
"""
ON_MOVES = """\
Every change of a status is one of these. An ended job has none, so it never changes again. What a move writes beside
the status, as dates, links and log lines, is written in the same transaction.
"""
ON_LISTS = """\
The status of every job can be read by its id. `monitors` lists active jobs and `histories` ended ones; each takes the
statuses below as filter `status`, in any case, several separated by commas. QUEUEING is listed by `monitors`, too, but
no filter names it, as in Vault. A job whose code says that it is not visible is in neither list.
"""


def text() -> str:
    """The page."""
    parts = [HEAD, "```mermaid", *_diagram(), "```", ""]
    parts += ["## What each means", "", *_statuses(), "", "## Where they are listed", "", ON_LISTS, *_lists(), ""]
    return "\n".join([*parts, "## Moves", "", ON_MOVES, *_moves(), ""])


def _diagram() -> Iterator[str]:
    yield from ("stateDiagram-v2", "    direction LR")
    yield from (f"    [*] --> {status}" for status in BEGINNINGS)
    yield from (f"    {move.source} --> {move.target}" for move in MOVES)
    yield from (f"    {status} --> [*]" for status in JobStatus if status.is_terminal)


def _statuses() -> Iterator[str]:
    yield from ("| status | the job | ended |", "|---|---|---|")
    yield from (f"| {each} | {MEANINGS[each]} | {'yes' if each.is_terminal else 'no'} |" for each in JobStatus)


def _lists() -> Iterator[str]:
    yield from ("| status | `monitors` | `histories` | filter |", "|---|---|---|---|")
    for each in JobStatus:
        active = each in ACTIVE
        name = f"`{each.lower()}`" if each in (_MONITOR_FILTERS if active else _HISTORY_FILTERS) else "-"
        yield f"| {each} | {'yes' if active else '-'} | {'-' if active else 'yes'} | {name} |"


def _moves() -> Iterator[str]:
    yield from ("| from | to | cause |", "|---|---|---|")
    yield from (f"| (new) | {status} | {cause} |" for status, cause in BEGINNINGS.items())
    yield from (f"| {move.source} | {move.target} | {move.cause} |" for move in MOVES)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
