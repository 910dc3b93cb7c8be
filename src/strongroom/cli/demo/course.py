"""The demo itself: start a Vault, start the jobs, wait, fetch what came of them, compare, tell."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from strongroom.cli import client
from strongroom.cli.client import VERSION, Api
from strongroom.cli.demo import polling, statuses, stopping
from strongroom.cli.demo.job import Outcome, Plan, Run, UnexpectedError
from strongroom.cli.demo.server import sample_vault
from strongroom.cli.demo.statuses import Stage
from strongroom.cli.job_views import coloured
from strongroom.config import CannotRun


def run(plans: Sequence[Plan], console: Console, stage: Stage) -> int:
    """Show the jobs of these plans, and those of ``stage``, on a fresh sample Vault.

    The exit code is 0 only if all is as it should be.
    """
    began = time.monotonic()
    try:
        with stopping.by_signal(), ExitStack() as stack:
            api = _start_vault(stack, console)
            with _step(console, "Starting a job for each status that a job can have"):
                staged = stage(api)
            runs = polling.until_ended(api, _start_jobs(api, plans, console), console)
            with _step(console, "Fetching the results and comparing every file with its document"):
                outcomes = [_outcome(api, each) for each in runs]
            with _step(console, "Waiting until every one of the others has come to its status"):
                statuses.await_all(api, staged)
            console.print("", _table(outcomes), "", statuses.table(staged), "", sep="\n")
            with _step(console, "Stopping the Vault and removing all of it"):
                stack.close()
    except CannotRun as refusal:
        return _failed(console, [refusal.sentence])
    except UnexpectedError as error:
        return _failed(console, [str(error)])
    if problems := [f"Job {each.run.id}: {each.problem}" for each in outcomes if each.problem]:
        return _failed(console, problems)
    count = len(outcomes) + len(staged)
    console.print(f"All {count} jobs did what they should, in {time.monotonic() - began:.0f} s.", style="green")
    return 0


def _start_vault(stack: ExitStack, console: Console) -> Api:
    with _step(console, "Starting a sample Vault to throw away"):
        server = stack.enter_context(sample_vault())
    with _step(console, f"Logging in at {server.url} as {server.user}, trusting its local CA alone"):
        return stack.enter_context(client.session(server))


def _start_jobs(api: Api, plans: Sequence[Plan], console: Console) -> list[Run]:
    with _step(console, "Looking at what the Vault has, and starting the jobs"):
        jobs = [job for plan in plans for job in plan(api)]
        return [Run(job, job.start(api), {}) for job in jobs]


def _outcome(api: Api, run: Run) -> Outcome:
    if run.state != run.job.status:
        return Outcome(run, "wrong status", f"It must end as {run.job.status}, but it has ended as {run.state}.")
    try:
        return Outcome(run, run.job.verify(api, _results(api, run.status)))
    except (UnexpectedError, CannotRun) as error:
        return Outcome(run, "not as it should be", str(error))


def _results(api: Api, status: dict[str, Any]) -> dict[str, Any]:
    """What the job's link says where its results are."""
    for link in status["links"]:
        if link["rel"] == "artifacts":
            return api.get(link["href"].removeprefix(f"/api/{VERSION}"))
    raise UnexpectedError("Its status has no link to its results.")


def _table(outcomes: Sequence[Outcome]) -> Table:
    # Narrow gaps: all of it is to fit into a terminal of 80 columns.
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", caption="Times are UTC.", caption_justify="left")
    for heading in ("Id", "Title", "Status", "Created", "Started", "Ended", "Result"):
        table.add_column(heading, no_wrap=heading not in {"Title", "Result"})
    for each in outcomes:
        status = each.run.status
        times = (_time_of_day(status.get(name)) for name in ("created_date", "run_start_date", "run_end_date"))
        result = Text(each.result, style="red" if each.problem else "green")
        table.add_row(str(each.run.id), Text(each.run.job.title), coloured(each.run.state), *times, result)
    return table


def _time_of_day(written: str | None) -> str:
    return written.partition("T")[2].partition(".")[0] if written else ""


@contextmanager
def _step(console: Console, name: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    began = time.monotonic()
    with console.status(f"{name} ..."):
        yield
    console.print(Text.assemble(name, (f"  {time.monotonic() - began:.1f} s", "dim")), soft_wrap=True)


def _failed(console: Console, sentences: Sequence[str]) -> int:
    for sentence in sentences:
        console.print(Text(f"The demo has failed. {sentence}", style="bold red"), soft_wrap=True)
    return 1
