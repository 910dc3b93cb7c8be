"""``strongroom jobs``: the jobs of a running server, over HTTP."""

# What draws tables is loaded when a command runs, not when its options are read.
# ruff: noqa: PLC0415

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from strongroom.cli.connection import connected
from strongroom.cli.parts import Parts
from strongroom.config import CannotRun

_ACTIVE = {"SCHEDULED", "QUEUEING", "QUEUED", "RUNNING"}
_JSON = typer.Option("--json", help="JSON, for programs.")

JobId = Annotated[int, typer.Argument(metavar="ID", help="The id of the job.", min=1, max=2**31 - 1)]
AsJson = Annotated[bool, _JSON]


def add(app: typer.Typer, _parts: Parts) -> None:
    """Add the group of commands."""
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True)(_help)
    for name, deed in (
        ("list", _list),
        ("show", _show),
        ("watch", _watch),
        ("log", _log),
        ("cancel", _cancel),
        ("start", _start),
        ("start-now", _start_now),
    ):
        group.command(name)(connected(deed))
    app.add_typer(group, name="jobs")


def _help(context: typer.Context) -> None:
    """List, watch and cancel the jobs of a running server."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _list(
    api: Any,
    status: Annotated[str, typer.Option(metavar="A,B", help="Only these statuses.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", help="At most so many of each kind.", min=1, max=200)] = 50,
    *,
    as_json: AsJson = False,
) -> int:
    """List the jobs that wait or run, and then those that have ended, the newest first."""
    from strongroom.cli import job_views

    wanted = {name.strip().upper() for name in status.split(",") if name.strip()}
    active, ended = ",".join(sorted(wanted & _ACTIVE)), ",".join(sorted(wanted - _ACTIVE))
    rows: list[dict[str, Any]] = []
    if active or not wanted:
        rows += api.get("/services/jobs/monitors", limit=limit, status=active)["jobs"]
    if ended or not wanted:
        rows += api.get("/services/jobs/histories", limit=limit, status=ended)["jobs"]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        job_views.show_list(rows)
    return 0


def _show(api: Any, job_id: JobId, *, as_json: AsJson = False) -> int:
    """Show one job: its status, its dates and its tasks."""
    from strongroom.cli import job_views

    details = api.get(f"/services/jobs/{job_id}/details")["data"]
    if as_json:
        typer.echo(json.dumps(details, indent=2))
    else:
        job_views.show_one(details)
    return 0


def _watch(api: Any, job_id: JobId) -> int:
    """Follow a job until it ends: its progress and its log. The exit code is 0 only if it ends with SUCCESS."""
    from strongroom.cli import job_views

    return 0 if job_views.watch(api, job_id) == "SUCCESS" else 1


def _log(api: Any, job_id: JobId) -> int:
    """Print the log of a job."""
    typer.echo(api.text(f"/services/jobs/{job_id}/log").text, nl=False)
    return 0


def _start(
    api: Any,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the job's metadata, like audit__c.")],
    param: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A parameter; may be given again.")] = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Start a custom job. Every value of a parameter is passed on as text."""
    parameters: dict[str, str] = {}
    for each in param or []:
        key, equals, value = each.partition("=")
        if not (key and equals):
            raise CannotRun(f"--param {each} must be like since=2026-03-04.", code=2)
        parameters[key] = value
    told = api.post(f"/services/jobs/start/{quote(name, safe='')}", json=parameters)
    typer.echo(json.dumps({"job_id": told["job_id"]}) if as_json else f"Job {told['job_id']} is started.")
    return 0


def _cancel(api: Any, job_id: JobId, *, as_json: AsJson = False) -> int:
    """Cancel a job that has not ended."""
    told = api.post(f"/services/jobs/{job_id}/actions/cancel")
    typer.echo(json.dumps({"job_id": told["job_id"]}) if as_json else f"Job {told['job_id']} is cancelled.")
    return 0


def _start_now(api: Any, job_id: JobId, *, as_json: AsJson = False) -> int:
    """Start a job now that is SCHEDULED; with that it has had its turn."""
    told = api.post(f"/services/jobs/start_now/{job_id}")
    typer.echo(json.dumps({"job_id": told["job_id"]}) if as_json else f"Job {told['job_id']} is started.")
    return 0
