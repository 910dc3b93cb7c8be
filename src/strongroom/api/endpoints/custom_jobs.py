"""Custom jobs: started by the name of their metadata."""

from dataclasses import dataclass
from typing import Any

from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.domain.errors import InvalidData
from strongroom.services import custom_jobs


@dataclass(frozen=True)
class OneCustomJob:
    """The job that is to be started, by the name of its metadata."""

    name: str


@endpoint("POST", "/services/jobs/start/{name}", body=FORM, extension=True, starts_job=True)
async def start_custom_job(call: Call, asked: OneCustomJob) -> dict[str, Any]:
    """Start Custom Job: a Strongroom extension; every field of the body is a parameter of the job."""
    if call.body.rows is not None:
        raise InvalidData('The parameters of a job are a form, or one JSON object such as {"since": "2026-03-04"}.')
    job = await custom_jobs.start(call.vault, asked.name, call.body.fields)
    return {"job_id": job.id, "url": call.path(f"/services/jobs/{job.id}")}
