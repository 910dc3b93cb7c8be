"""How jobs look on a terminal: tables, and a live view of one that runs."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from strongroom.cli import event_stream
from strongroom.cli.client import Api

_WIDE = 200
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
    table.add_row("Tasks", _counted(details["tasks"]) or "none")
    standard_output().print(table)


def watch(api: Api, job_id: int) -> str:
    """Print a job's log as it grows, and its progress below it on a terminal, until it ends; returns its status."""
    console, title = standard_output(), api.get(f"/services/jobs/{job_id}/details")["data"]["title"]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[states]}"))
    live = Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal, transient=True)
    status = ""
    with live as progress:
        bar = progress.add_task(f"{title} {job_id}", total=None, states="")
        for event in event_stream.follow(api, job_id):
            match event.name:
                case "status" if event.data["status"] != status:
                    status = event.data["status"]
                    progress.update(bar, description=f"{title} {job_id}: {status}")
                    if not console.is_terminal:
                        console.print(f"Job {job_id}: {status}")
                case "progress":
                    tasks = dict(event.data["tasks"])
                    total, done = tasks.pop("total"), tasks["success"] + tasks["errors_encountered"]
                    progress.update(bar, completed=done, total=total or None, states=_counted(tasks))
                case "log":
                    for line in event.data["lines"]:
                        console.print(Text(f"{line['time']} {line['text']}".rstrip()), soft_wrap=True)
    console.print(f"Job {job_id} has ended:", coloured(status))
    return status


def coloured(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=_ACTIVE.get(status, "green" if status == _ENDED_WELL else "red"))


def standard_output() -> Console:
    """Standard output. What is no terminal has no width: a table in a pipe is not squeezed into 80 columns."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def _counted(tasks: dict[str, int]) -> str:
    return ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in tasks.items() if count)


def _moment(written: str | None) -> str:
    return written.replace("T", " ").partition(".")[0] if written else ""
