"""How jobs look on a terminal: tables, and a live view of one that runs."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from strongroom.cli.client import Api

_WIDE = 200
_EVERY = 0.5  # seconds; details and log are exempt from the API's rule of one status call in 10 seconds
_ENDED_WELL, _ACTIVE = "SUCCESS", {"SCHEDULED": "dim", "QUEUEING": "cyan", "QUEUED": "cyan", "RUNNING": "bold cyan"}
_DATES = ("created_date", "run_start_date", "run_end_date")


def show_list(rows: list[dict[str, Any]]) -> None:
    """Print jobs as a table."""
    table = Table(box=None, header_style="bold")
    for heading in ("Id", "Title", "Status", "Created", "Started", "Ended"):
        table.add_column(heading, no_wrap=heading != "Title")
    for row in rows:
        dates = (_moment(row.get(name)) for name in _DATES)
        table.add_row(str(row["job_id"]), Text(row["title"]), coloured(row["status"]), *dates)
    standard_output().print(table)


def show_one(details: dict[str, Any]) -> None:
    """Print what is known of one job."""
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    for name in ("id", "title", "kind"):
        table.add_row(name.capitalize(), Text(str(details[name])))
    table.add_row("Status", coloured(details["status"]))
    table.add_row("Created by", str(details["created_by"]))
    for label, name in zip(("Created", "Started", "Ended"), _DATES, strict=True):
        table.add_row(label, _moment(details.get(name)))
    tasks = {state.replace("_", " "): count for state, count in details["tasks"].items() if count}
    table.add_row("Tasks", ", ".join(f"{count} {state}" for state, count in tasks.items()) or "none")
    standard_output().print(table)


def watch(api: Api, job_id: int) -> str:
    """Print a job's log as it grows, and its progress below it on a terminal, until it ends; returns its status."""
    console = standard_output()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar, last = progress.add_task("", total=None), 0
        status: str = ""
        while True:
            details = api.get(f"/services/jobs/{job_id}/details")["data"]
            if details["status"] != status and not console.is_terminal:
                console.print(f"Job {job_id}: {details['status']}")
            status, tasks = details["status"], details["tasks"]
            done = tasks["success"] + tasks["errors_encountered"]
            described = f"{details['title']} {job_id}: {status}"
            progress.update(bar, description=described, completed=done, total=tasks["total"] or None)
            last = _print_log(api, job_id, last, console)
            if status not in _ACTIVE:
                break
            time.sleep(_EVERY)
    console.print(f"Job {job_id} has ended:", coloured(status))
    return status


def coloured(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=_ACTIVE.get(status, "green" if status == _ENDED_WELL else "red"))


def standard_output() -> Console:
    """Standard output. What is no terminal has no width: a table in a pipe is not squeezed into 80 columns."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def _print_log(api: Api, job_id: int, last: int, console: Console) -> int:
    reply = api.text(f"/services/jobs/{job_id}/log", after=last)
    if reply.text:
        console.print(Text(reply.text.rstrip("\n")), soft_wrap=True)
    return int(reply.headers.get("x-strongroom-lastline", last))


def _moment(written: str | None) -> str:
    return written.replace("T", " ").partition(".")[0] if written else ""
