"""``strongroom worker``: run one more worker, on this machine or another."""

import typer

from strongroom.cli import options
from strongroom.cli.parts import Parts
from strongroom.config import CannotRun, Settings

_HELP = """Run one more worker for a server whose database this machine reaches, until Ctrl-C or SIGTERM.

It needs the same --database-url and --blobs as the server."""


def add(app: typer.Typer, parts: Parts) -> None:
    """Add the command."""

    def work(settings: Settings) -> int:
        if settings.database_url is None:
            raise CannotRun("A worker needs the --database-url of its server.", code=2)
        return parts.worker(settings, typer.echo)

    app.command("worker", help=_HELP)(options.command(work, options.OF_WORKER))
