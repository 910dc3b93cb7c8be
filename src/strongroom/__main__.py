"""The ``strongroom`` command: hands over to a child process of a server, or to the command line."""

# Imports stand where they are needed: a command that prints a path must not load a database driver first, and a
# child process has no use for the command line.
# ruff: noqa: PLC0415

import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from strongroom.config import Settings


def main() -> None:
    """Run what ``sys.argv`` asks for and exit."""
    match sys.argv[1:]:
        case [("_web" | "_worker") as role, report_to]:
            sys.exit(_child(role, int(report_to)))
        case ["_held", *command]:
            from strongroom.server import lifeline

            lifeline.tie()
            sys.exit(_run(command))
        case command:
            sys.exit(_run(command))


def _run(command: list[str]) -> int:
    from strongroom.cli.app import Parts, run

    return run(Parts(_serve, _worker, _certificate_authority, _export), command)


def _child(role: str, report_to: int) -> int:
    # What is loaded stays: to look through it for what could go would cost each child a tenth of its start.
    gc.disable()
    run = _CHILDREN[role]()
    gc.enable()
    return run(report_to)


def _web() -> Callable[[int], int]:
    from strongroom.api import endpoints
    from strongroom.main.preparation import prepare
    from strongroom.main.web import open_application
    from strongroom.server import web

    endpoints.load()
    return partial(web.run, prepare, open_application)


def _working() -> Callable[[int], int]:
    from strongroom.main.preparation import prepare
    from strongroom.main.worker import work
    from strongroom.server import worker

    return partial(worker.run, prepare, work)


# Each loads what its process needs and nothing else, while its orders are still to come.
_CHILDREN = {"_web": _web, "_worker": _working}


def _serve(settings: Settings, announce: Callable[[str], None]) -> int:
    from strongroom.server import supervisor

    return supervisor.serve(settings, announce)


def _worker(settings: Settings, announce: Callable[[str], None]) -> int:
    from strongroom.main.worker import work_alone
    from strongroom.server import worker

    return worker.run_alone(work_alone, settings, lambda: announce("ready"))


def _certificate_authority(data_dir: Path) -> Path:
    from strongroom.server import data_dir as folder
    from strongroom.server import tls

    folder.made_ours(data_dir)
    return tls.certificate_authority(data_dir)


def _export(data_dir: Path, target: Path) -> tuple[Path, Path]:
    from strongroom.server import data_dir as folder
    from strongroom.server import tls

    folder.made_ours(data_dir)
    return tls.export(data_dir, target)


if __name__ == "__main__":
    main()
