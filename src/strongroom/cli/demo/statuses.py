"""All statuses that a job can have, each reached by a cause of its own: staged at the begin, looked at in the end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.table import Table

from strongroom.cli.client import Api
from strongroom.cli.demo import polling
from strongroom.cli.demo.job import UnexpectedError
from strongroom.cli.job_views import coloured

CUSTOM_JOBS = Path(__file__).parent / "custom_jobs"
"""The jobs folder of the demo's server."""
OPTIONS = (
    *("--jobs-dir", str(CUSTOM_JOBS)),
    *("--schedule-grace-minutes", "0.05"),
    *("--inactivity-minutes", "0.4"),
    *("--drain-seconds", "1"),
)
"""What the demo's server is told, so that what takes hours elsewhere is seen in a minute."""

_PATIENCE = 150.0  # seconds
_LONG = 600  # seconds: longer than the demo
_ROUND = 5  # seconds that one call waits for a change
_GAP = timedelta(seconds=3)  # the server needs a moment to make a scheduled job


@dataclass(frozen=True)
class Staged:
    """A job that must come to a status; its cause in a few words."""

    status: str
    cause: str
    job_id: int


Stage = Callable[[Api], Sequence[Staged]]
"""Begins jobs, and says what must become of them."""


def stage(api: Api) -> list[Staged]:
    """Begin a job for each status, in the order of a job's life."""
    api.put("/services/queues/demo_queue__c/actions/disable_delivery")
    _start(api, "demo_single_steps__c", working=_LONG)
    to_cancel = _start(api, "demo_steps__c", working=_LONG)
    staged = [
        Staged("SCHEDULED", "its definition is active; it is planned for tomorrow", _planned(api, "tomorrow")),
        Staged("QUEUEING", "its items are still being made", _start(api, "demo_steps__c", preparing=_LONG)),
        Staged("QUEUED", "the delivery of its queue is disabled", _start(api, "demo_queued_steps__c")),
        Staged("RUNNING", "its task works, and says so in the log", _start(api, "demo_steps__c", working=_LONG)),
        Staged("SUCCESS", "all its tasks ended well", _start(api, "demo_steps__c", working=1)),
        Staged("ERRORS_ENCOUNTERED", "a task of it failed", _start(api, "demo_steps__c", failing="yes")),
        Staged("CANCELLED", "an admin has cancelled it", to_cancel),
        Staged("TIMEOUT", "it may take a minute, and takes longer", _start(api, "demo_short_steps__c", working=_LONG)),
        Staged("COMPLETED_DUE_TO_INACTIVITY", "it gave no sign of life", _start_silent(api)),
        Staged("MISSED_SCHEDULE", "an earlier one goes on beyond the grace", _planned(api, "next minute")),
    ]
    api.post(f"/services/jobs/{to_cancel}/actions/cancel")
    return staged


def await_all(api: Api, staged: Sequence[Staged]) -> None:
    """Wait until each job has the status that it must come to; raises ``UnexpectedError`` if one has not."""
    deadline = time.monotonic() + _PATIENCE
    for each in staged:
        _await(api, each, deadline)


def table(staged: Sequence[Staged]) -> Table:
    """Make the short table: status, cause, job id."""
    shown = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("Status", "Cause", "Id"):
        shown.add_column(heading)
    for each in staged:
        shown.add_row(coloured(each.status), each.cause, str(each.job_id))
    return shown


def _await(api: Api, staged: Staged, deadline: float) -> None:
    path = f"/services/jobs/{staged.job_id}"
    found = api.get(f"{path}/details")["data"]["status"]
    while found != staged.status:
        if time.monotonic() > deadline or found not in polling.ACTIVE:
            raise UnexpectedError(f"Job {staged.job_id} must become {staged.status}, but it is {found}.")
        # Such a call is none of those of which Vault allows one in 10 seconds.
        found = api.get(path, wait=_ROUND, since=found)["data"]["status"]


def _start(api: Api, name: str, **parameters: Any) -> int:
    return int(api.post(f"/services/jobs/start/{name}", json=parameters)["job_id"])


def _start_silent(api: Api) -> int:
    return _start(api, "demo_steps__c", working=_LONG, silent="yes")


_SCHEDULES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "tomorrow": ("demo_steps__c", lambda: {"schedule": "daily", "time": f"{_utc(timedelta(hours=-1)):%H:%M}"}),
    "next minute": (
        "demo_single_steps__c",
        lambda: {"schedule": "hourly", "hourly_interval": 1, "time": f"{_utc(timedelta(minutes=1) + _GAP):%H:%M}"},
    ),
}


def _planned(api: Api, when: str) -> int:
    """Make a definition, and give the id of the job that waits for its time."""
    kind, schedule = _SCHEDULES[when]
    definition = {
        "name": f"demo_{when.replace(' ', '_')}__c",
        "title": f"Demo, {when}",
        "kind": kind,
        "timezone": "UTC",
    }
    made = api.post("/services/jobs/definitions", json={**definition, "active": True, **schedule()})
    return int(made["data"]["scheduled_job_id"])


def _utc(later: timedelta) -> datetime:
    return datetime.now(UTC) + later
