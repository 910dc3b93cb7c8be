"""The command line itself: help, version, and errors of one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.cli.app import run
from strongroom.cli.parts import Parts
from strongroom.config import CannotRun, Settings


def fail(*_: object) -> int:
    raise CannotRun("This is the reason.", code=7)


def parts(serve: object = fail) -> Parts:
    return Parts(serve=serve, worker=fail, certificate_authority=fail, export_trust=fail)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("STRONGROOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), ["--version"]) == 0
    assert capsys.readouterr().out.startswith("strongroom 0.")


def test_help_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), []) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("serve", "worker", "jobs", "trust"))


def test_a_refusal_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), ["serve"]) == 7
    assert capsys.readouterr().err == "strongroom: This is the reason.\n"


@pytest.mark.parametrize("line", [["serve", "--prot", "1"], ["srve"], ["jobs", "show"], ["jobs", "show", "x"]])
def test_a_wrong_command_line_is_one_sentence(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), line) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("strongroom: ")
    assert said.err.count("\n") == 1


def test_every_setting_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), ["serve", "--help"]) == 0
    shown = capsys.readouterr().out
    # A password on a command line is seen by every user of the machine.
    for name in set(Settings.model_fields) - {"admin_password"}:
        assert f"--{name.replace('_', '-')}" in shown


def test_options_arrive(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Settings] = []

    def serve(settings: Settings, announce: object) -> int:
        seen.append(settings)
        return 3

    line = ["serve", "--port", "1", "--dns", "a.test", "--dns", "b.test", "--no-tls", "--ephemeral", "--limits", "off"]
    assert run(parts(serve), line) == 3
    (settings,) = seen
    assert (settings.port, settings.dns, settings.tls, settings.ephemeral) == (1, ("a.test", "b.test"), False, True)


def test_a_worker_needs_a_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), ["worker"]) == 2
    assert "--database-url" in capsys.readouterr().err


def test_jobs_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parts(), ["jobs", "list", "--data-dir", str(tmp_path)]) == 1
    assert "No server runs" in capsys.readouterr().err


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STRONGROOM_USER", "me")
    monkeypatch.setenv("STRONGROOM_PASSWORD", "secret")
    assert run(parts(), ["jobs", "list", "--url", "http://127.0.0.1:1"]) == 1
    assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err


def test_a_short_command_loads_no_database_driver() -> None:
    code = "import sys; sys.argv = ['strongroom', 'trust', '--help']; import runpy\n"
    code += "try: runpy.run_module('strongroom', run_name='__main__')\n"
    code += "except SystemExit: print(sorted({'sqlalchemy', 'asyncpg', 'httpx', 'rich', 'uvicorn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
