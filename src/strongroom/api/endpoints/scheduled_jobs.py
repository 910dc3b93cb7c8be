"""Scheduled jobs: started before their time."""

from dataclasses import dataclass
from typing import Any

from strongroom.api.binding import Id
from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.services import scheduled_jobs


@dataclass(frozen=True)
class ScheduledJob:
    """The SCHEDULED job that is to be started."""

    job_id: Id


@endpoint("POST", "/services/jobs/start_now/{job_id}", body=FORM, starts_job=True)
async def start_job(call: Call, asked: ScheduledJob) -> dict[str, Any]:
    """Start Job."""
    job = await scheduled_jobs.start_now(call.vault, asked.job_id)
    return {"url": call.path(f"/services/jobs/{job.id}"), "job_id": job.id}
