"""The calls of job kinds: those that start a job, and those that give the results of a finished one."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from strongroom.api.binding import Id, bind
from strongroom.api.call import Call
from strongroom.api.declaration import FORM, ROWS, Declaration, Endpoint, Taken
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import Job
from strongroom.sdk.job import JobKind, ResultsEndpoint, Start
from strongroom.services import jobs
from strongroom.vault import Vault

Results = Callable[[Vault, Job], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class FinishedJob:
    """The job whose results are asked for."""

    job_id: Id


def mounted(kinds: Iterable[JobKind[Any]]) -> list[Endpoint]:
    """Make the endpoints of these kinds."""
    return [endpoint for kind in kinds for endpoint in (*_starts(kind), *_results(kind))]


def _starts(kind: JobKind[Any]) -> list[Endpoint]:
    return [
        Endpoint(
            Declaration(start.method, start.path, ROWS if start.rows else FORM, starts_job=True),
            _starting(kind, start),
            None,
            kind.title,
            "jobs",
            Taken(kind.input, start.rows, frozenset(each.rows for each in kind.start if each.rows)),
        )
        for start in kind.start
    ]


def _results(kind: JobKind[Any]) -> list[Endpoint]:
    return [
        Endpoint(
            Declaration("GET", found.path), _giving(kind, found, method), FinishedJob, _title(kind, method), "jobs"
        )
        for found, method in kind.results_endpoints()
    ]


def _starting(kind: JobKind[Any], start: Start) -> Callable[[Call], Awaitable[dict[str, Any]]]:
    taken_by_bodies = {each.rows for each in kind.start}

    async def start_job(call: Call) -> dict[str, Any]:
        values = {name: value for name, value in call.values.items() if name not in taken_by_bodies}
        if start.rows:
            values[start.rows] = _rows(call)
        job = await jobs.start(call.vault, kind, bind(kind.input, values), start.method)
        return kind.started(job, call.path(f"/services/jobs/{job.id}"))

    return start_job


def _giving(
    kind: JobKind[Any], found: ResultsEndpoint, results: Results
) -> Callable[[Call, FinishedJob], Awaitable[dict[str, Any]]]:
    async def retrieve_results(call: Call, asked: FinishedJob) -> dict[str, Any]:
        job = await jobs.retrieve_finished(call.vault, asked.job_id, kind.name)
        return await results(call.vault, job)

    assert "{job_id}" in found.path, f"{found.path} must hold {{job_id}}"
    return retrieve_results


def _rows(call: Call) -> list[dict[str, Any]]:
    """Give the rows of the body; what is empty in a row is absent."""
    if not call.body.rows:
        raise InvalidData("The body must be a JSON array or a CSV table with at least one row.")
    return [{name: value for name, value in row.items() if value not in ("", None)} for row in call.body.rows]


def _title(kind: JobKind[Any], results: Results) -> str:
    told = results.__doc__
    return told.strip().splitlines()[0].rstrip(".") if told else f"{kind.title}: Retrieve Results"
