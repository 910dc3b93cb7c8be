"""Polls jobs as an integration must: each at most once in 10 seconds; and shows them live on a terminal."""

import time
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from strongroom.cli.client import Api
from strongroom.cli.demo.job import Run, UnexpectedError
from strongroom.cli.job_views import coloured

ACTIVE = frozenset({"SCHEDULED", "QUEUEING", "QUEUED", "RUNNING"})
PERIOD = 10.0  # seconds between two polls of one job: Vault refuses the second of two that are closer
_FIRST = 1.5  # seconds until the first poll: most jobs of the demo have ended by then
_PATIENCE = 180.0  # seconds until a job that has not ended is given up
_FRAME = 0.1  # seconds


def until_ended(api: Api, started: Sequence[Run], console: Console) -> list[Run]:
    """Poll jobs until all have ended; gives them with their last status."""
    runs = {run.id: run for run in started}
    begin = time.monotonic()
    due = dict.fromkeys(runs, begin + _FIRST)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while due:
            for job_id in [job_id for job_id, moment in due.items() if moment <= time.monotonic()]:
                runs[job_id] = _polled(api, runs[job_id], console)
                due[job_id] = time.monotonic() + PERIOD
                if runs[job_id].state not in ACTIVE:
                    del due[job_id]
            if time.monotonic() > begin + _PATIENCE:
                raise UnexpectedError(f"Job {min(due)} has not ended within {_PATIENCE:.0f} s.")
            if console.is_terminal:
                live.update(_drawn(list(runs.values()), due), refresh=True)
            time.sleep(_FRAME if due else 0)
    return list(runs.values())


def _polled(api: Api, run: Run, console: Console) -> Run:
    status = api.get(f"/services/jobs/{run.id}")["data"]
    if not console.is_terminal:
        console.print(f"Job {run.id} ({run.job.title}): {status['status']}")
    return replace(run, status=status)


def _drawn(runs: Sequence[Run], due: dict[int, float]) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in ("Id", "Title", "Status", "Next poll"):
        table.add_column(heading)
    for run in runs:
        wait = f"in {max(due[run.id] - time.monotonic(), 0):.1f} s" if run.id in due else ""
        table.add_row(str(run.id), run.job.title, coloured(run.state) if run.state else Text("started"), wait)
    return table
