"""Jobs: status, tasks, histories and monitors; and, beyond Vault's own calls, details, log and cancel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from strongroom.api import dates, paging, presence
from strongroom.api.binding import Id, Limit, Offset
from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import ACTIVE, ENDED, Job, JobFilter, JobStatus, Link, LogLine, TaskState
from strongroom.domain.page import Page, Window
from strongroom.services import job_watches, jobs

_HISTORY_FILTERS = tuple(ENDED)
_MONITOR_FILTERS = (JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING)


Wait = Annotated[
    float,
    msgspec.Meta(
        ge=0,
        le=60,
        description="A Strongroom extension: the reply waits for the next change of the status, but for so many"
        " seconds at most. A call with it is exempt from the rule of one call in 10 seconds.",
    ),
]
Since = Annotated[
    str,
    msgspec.Meta(
        description="A Strongroom extension, with `wait`: the status that the client knows. If it is another by now,"
        " the reply comes at once. Without it, the status at the time of the call."
    ),
]


@dataclass(frozen=True)
class OneJob:
    """The job that is asked for."""

    job_id: Id


@dataclass(frozen=True)
class StatusPoll(OneJob):
    """The job whose status is asked for; ``wait`` seconds for its next change after the status ``since``."""

    wait: Wait | None = None
    since: Since | None = None

    def known(self) -> JobStatus | None:
        """Read the status that the client knows; it may have any case."""
        if self.since is None:
            return None
        try:
            return JobStatus(self.since.strip().upper())
        except ValueError as error:
            options = ", ".join(JobStatus)
            raise InvalidData(
                f"Invalid value [{self.since[:100]}] specified for parameter [since]: use one of {options}."
            ) from error


@dataclass(frozen=True)
class TaskList(OneJob):
    """The job whose tasks are asked for, and which of them."""

    limit: Limit = 50
    offset: Offset = 0


LineId = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


@dataclass(frozen=True)
class JobLog(OneJob):
    """The job whose log is asked for; ``after`` leaves out the lines up to this one."""

    after: LineId = 0


@dataclass(frozen=True)
class JobList:
    """Which jobs are asked for."""

    start_date: str | None = None
    end_date: str | None = None
    status: str | None = None
    limit: Limit = 50
    offset: Offset = 0

    def filter(self, known: Sequence[JobStatus], all_statuses: Sequence[JobStatus]) -> JobFilter:
        """Read the filters; a status may have any case, several are separated by commas."""
        names = [name.strip() for name in (self.status or "").split(",") if name.strip()]
        for name in names:
            if name.upper() not in known:
                options = ", ".join(status.lower() for status in known)
                raise InvalidData(f"Invalid value [{name}] specified for parameter [status]: use one of {options}.")
        return JobFilter(
            tuple(JobStatus(name.upper()) for name in names) or tuple(all_statuses),
            dates.parse_optional("start_date", self.start_date),
            dates.parse_optional("end_date", self.end_date),
        )


@endpoint("GET", "/services/jobs/{job_id}", root="JobStatusRestResult")
async def retrieve_job_status(call: Call, asked: StatusPoll) -> dict[str, Any]:
    """Retrieve Job Status."""
    if asked.wait is None:
        job = await jobs.retrieve(call.vault, asked.job_id)
        # Now, and not before: a call of somebody who may not see the job must not stand in the way of one who may.
        await call.shared.limits.job_polls.accept(call.vault, job.id)
    else:
        waiting = job_watches.next_change(call.vault, asked.job_id, asked.known(), asked.wait)
        job = await presence.while_present(call, waiting)
    data: dict[str, Any] = {"id": job.id, "status": job.status, "method": job.method, "links": _links(call, job)}
    if job.sdk:
        sizes = await jobs.progress(call.vault, job)
        data["progress"] = [{"status": state, "size": size} for state, size in sizes.items()]
    data |= {
        "created_by": job.created_by,
        "created_date": _shown(call, job, job.created_date),
        "run_start_date": _shown(call, job, job.run_start_date),
        "run_end_date": _shown(call, job, job.run_end_date),
    }
    return {"responseMessage": "OK", "data": data}


@endpoint("GET", "/services/jobs/{job_id}/tasks")
async def retrieve_job_tasks(call: Call, asked: TaskList) -> dict[str, Any]:
    """Retrieve SDK Job Tasks."""
    page = await jobs.tasks(call.vault, asked.job_id, Window(asked.limit, asked.offset))
    # Vault says state; its own Java client looks for status.
    found = [{"id": task.id, "state": task.state, "status": task.state} for task in page.rows]
    where = paging.by_offset(call, f"/services/jobs/{asked.job_id}/tasks", page, {})
    return {**where, "job_id": asked.job_id, "tasks": found}


@endpoint("GET", "/services/jobs/histories")
async def retrieve_job_histories(call: Call, asked: JobList) -> dict[str, Any]:
    """Retrieve Job Histories."""
    page = await jobs.histories(call.vault, asked.filter(_HISTORY_FILTERS, ENDED), Window(asked.limit, asked.offset))
    return _listed(call, "/services/jobs/histories", page, asked)


@endpoint("GET", "/services/jobs/monitors")
async def retrieve_job_monitors(call: Call, asked: JobList) -> dict[str, Any]:
    """Retrieve Job Monitors."""
    page = await jobs.monitors(call.vault, asked.filter(_MONITOR_FILTERS, ACTIVE), Window(asked.limit, asked.offset))
    return _listed(call, "/services/jobs/monitors", page, asked)


@endpoint("GET", "/services/jobs/{job_id}/details", extension=True)
async def retrieve_job_details(call: Call, asked: OneJob) -> dict[str, Any]:
    """Retrieve Job Details: a Strongroom extension, which may be polled at will."""
    job = await jobs.retrieve(call.vault, asked.job_id)
    counts = await jobs.task_counts(call.vault, asked.job_id)
    states = {state.lower(): counts.get(state, 0) for state in TaskState}
    listed = _row(job)
    listed.pop("job_id")
    return {"data": {"id": job.id, "kind": job.kind, **listed, "tasks": {"total": job.total_tasks, **states}}}


@endpoint("GET", "/services/jobs/{job_id}/log", media="text/plain", extension=True)
async def retrieve_job_log(call: Call, asked: JobLog) -> Response:
    """Retrieve Job Log: a Strongroom extension."""
    lines = await jobs.log(call.vault, asked.job_id, asked.after)
    text = "".join(f"{_log_line(line)}\n" for line in lines)
    last = str(lines[-1].id if lines else asked.after)
    return Response(text, headers={"content-type": "text/plain;charset=UTF-8", "x-strongroom-lastline": last})


@endpoint("POST", "/services/jobs/{job_id}/actions/cancel", body=FORM, extension=True)
async def cancel_job(call: Call, asked: OneJob) -> dict[str, Any]:
    """Cancel Job: a Strongroom extension."""
    job = await jobs.cancel(call.vault, asked.job_id)
    return {"job_id": job.id, "url": call.path(f"/services/jobs/{job.id}")}


def _links(call: Call, job: Job) -> list[dict[str, str]]:
    own = {"rel": "self", "href": call.path(f"/services/jobs/{job.id}"), "method": "GET", "accept": "application/json"}
    return [own, *[_link(call, job, link) for link in job.links]]


def _link(call: Call, job: Job, link: Link) -> dict[str, str]:
    href = link.href.replace("{version}", call.version).replace("{job_id}", str(job.id))
    return {"rel": link.rel, "href": href, "method": link.method, "accept": link.accept}


def _shown(call: Call, job: Job, moment: datetime | None) -> str | None:
    """Write a date of a job. Those of scheduled jobs are in the Vault's time zone, and yet end in Z."""
    if moment is None:
        return None
    if not job.scheduled:
        return written(moment)
    local = moment.astimezone(ZoneInfo(call.vault.info.timezone))
    return written(local.replace(tzinfo=moment.tzinfo))


def _listed(call: Call, path: str, page: Page[Job], asked: JobList) -> dict[str, Any]:
    filters = {"start_date": asked.start_date, "end_date": asked.end_date, "status": asked.status}
    where = paging.by_offset(call, path, page, filters)
    return {"responseMessage": "OK", **where, "jobs": [_row(job) for job in page.rows]}


def _row(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "title": job.title,
        "status": job.status,
        "created_by": job.created_by,
        "created_date": written(job.created_date),
        "modified_by": job.modified_by,
        "modified_date": written(job.modified_date),
        "run_start_date": job.run_start_date and written(job.run_start_date),
        "run_end_date": job.run_end_date and written(job.run_end_date),
    }


def _log_line(line: LogLine) -> str:
    return f"{written(line.time)} {line.text}".rstrip()
