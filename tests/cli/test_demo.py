"""``strongroom demo`` for real: as it is typed, stopped half-way, and with something that is not as it should be."""

import io
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from tests.server.serving import DEADLINE, environment

from strongroom.cli.client import Api
from strongroom.cli.demo import course, kinds, statuses
from strongroom.cli.demo.job import DemoJob, Plan
from strongroom.cli.demo.kinds import export_documents
from strongroom.cli.demo.statuses import Staged

STATUSES = [
    "SCHEDULED",
    "QUEUEING",
    "QUEUED",
    "RUNNING",
    "SUCCESS",
    "ERRORS_ENCOUNTERED",
    "CANCELLED",
    "TIMEOUT",
    "COMPLETED_DUE_TO_INACTIVITY",
    "MISSED_SCHEDULE",
]
COMMAND = [sys.executable, "-m", "strongroom", "demo"]


def test_as_it_is_typed(tmp_path: Path) -> None:
    # Settings and credentials for another server must not lead the demo there.
    elsewhere = {
        "STRONGROOM_DATABASE_URL": "postgresql://nobody@localhost:1/none",
        "STRONGROOM_PASSWORD": "of-another-server",
        "HTTPS_PROXY": "http://localhost:1",
    }
    done = subprocess.run(
        COMMAND, capture_output=True, text=True, env=environment(TMPDIR=str(tmp_path), **elsewhere), check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "\x1b" not in done.stdout
    rows = [line for line in done.stdout.splitlines() if "Export Documents: " in line and "identical" in line]
    assert [("SUCCESS" in row, "ERRORS_ENCOUNTERED" in row) for row in rows] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert shown_statuses(done.stdout) == STATUSES
    assert list(tmp_path.iterdir()) == []


def shown_statuses(output: str) -> list[str]:
    """The first words of the second table's rows, which end with the id of a job."""
    rows = output[output.index("Cause") :].splitlines()[1:]
    return [row.split()[0] for row in rows if row.strip() and row.split()[-1].isdigit()]


def whole_documents(api: Api) -> DemoJob:
    return next(iter(export_documents.plan(api)))


def expects_another_status(api: Api) -> Sequence[DemoJob]:
    return [replace(whole_documents(api), status="ERRORS_ENCOUNTERED")]


def expects_the_files_of_another_job(api: Api) -> Sequence[DemoJob]:
    first, second, _ = export_documents.plan(api)
    return [replace(second, verify=first.verify)]


def expects_nothing_missing(api: Api) -> Sequence[DemoJob]:
    _, second, third = export_documents.plan(api)
    return [replace(third, verify=second.verify)]


def test_what_is_not_as_expected_fails_the_demo() -> None:
    wrong: dict[Plan, str] = {
        expects_another_status: "It must end as ERRORS_ENCOUNTERED, but it has ended as SUCCESS.",
        expects_the_files_of_another_job: "The results lack the source of document 1 1.0",
        expects_nothing_missing: "The failed rows are [14]; they must be [].",
    }
    output = io.StringIO()
    assert course.run(list(wrong), Console(file=output, width=200), lambda _: []) == 1
    told = output.getvalue().splitlines()[-len(wrong) :]
    for line, sentence in zip(told, wrong.values(), strict=True):
        assert re.match(f"The demo has failed. Job \\d+: {re.escape(sentence)}", line)


def test_a_status_that_is_not_reached_fails_the_demo() -> None:
    def never_ends_well(api: Api) -> list[Staged]:
        staged = statuses.stage(api)
        return [replace(each, status="SUCCESS") for each in staged if each.status == "CANCELLED"]

    output = io.StringIO()
    assert course.run([], Console(file=output, width=200), never_ends_well) == 1
    sentence = r"The demo has failed. Job \d+ must become SUCCESS, but it is CANCELLED."
    assert re.fullmatch(sentence, output.getvalue().splitlines()[-1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_while_the_jobs_run_it_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(TMPDIR=str(tmp_path))
    ) as demo:
        assert demo.stdout
        while not demo.stdout.readline().startswith("Logging in"):
            assert demo.poll() is None
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) > 3
        demo.send_signal(number)
        assert demo.wait(DEADLINE) == 130
    assert not psutil.wait_procs(family, timeout=DEADLINE)[1]
    assert list(tmp_path.iterdir()) == []


def test_killed_while_the_jobs_run_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(TMPDIR=str(tmp_path))
    ) as demo:
        assert demo.stdout
        while not demo.stdout.readline().startswith("Logging in"):
            assert demo.poll() is None
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) > 3
        demo.kill()
    assert not psutil.wait_procs(family, timeout=2 * DEADLINE)[1]
    assert list(tmp_path.iterdir()) == []


def test_every_module_of_the_package_is_a_kind_that_is_shown() -> None:
    assert export_documents.plan in kinds.plans()
