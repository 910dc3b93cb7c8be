"""The ``strongroom`` command line: which commands there are, and how an error is shown."""

import sys
from importlib.metadata import version as distribution_version
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from strongroom.cli import jobs, serve, trust, worker
from strongroom.cli.demo import command as demo
from strongroom.cli.parts import Parts
from strongroom.config import CannotRun

__all__ = ["Parts", "build", "run"]


def run(parts: Parts, arguments: list[str] | None = None) -> int:
    """Run a command line; the exit code. Every error is one sentence on standard error."""
    try:
        outcome = build(parts)(args=arguments, prog_name="strongroom", standalone_mode=False)
    except CannotRun as refusal:
        return _refused(refusal.sentence, refusal.code)
    except TyperException as error:
        return _refused(error.format_message(), error.exit_code)
    except OSError as error:
        return _refused(f"{error.filename or 'The system'}: {error.strerror or error}.", 1)
    except (Abort, KeyboardInterrupt):
        return 130
    return outcome if isinstance(outcome, int) else 0


def build(parts: Parts) -> typer.Typer:
    """The command line, with what the commands of the server's own side do."""
    app = typer.Typer(
        name="strongroom",
        help="A self-hosted server that speaks the Vault REST API for asynchronous jobs, end to end.",
        invoke_without_command=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for command in (serve, worker, demo, jobs, trust):
        command.add(app, parts)

    @app.callback()
    def options(
        context: typer.Context,
        *,
        version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    ) -> None:
        if version:
            typer.echo(f"strongroom {distribution_version('strongroom')}")
        elif context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app


def _refused(sentence: str, code: int) -> int:
    print(f"strongroom: {sentence}", file=sys.stderr)  # noqa: T201 - this is the one place where errors are shown
    return code
