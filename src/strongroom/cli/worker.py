"""``strongroom worker``: run one more worker, on this machine or another."""

import typer

from strongroom.cli import options
from strongroom.cli.parts import Parts
from strongroom.config import CannotRun, Settings

_HELP = """Run one more worker for a server whose database this machine reaches, until Ctrl-C or SIGTERM.

It needs the same database and the same place for blobs as its server, best by STRONGROOM_DATABASE_URL and
STRONGROOM_BLOBS: what stands on a command line can be read by everybody on the machine. It prints "ready" when it
takes jobs. A server of the same version must have prepared the database before."""


def add(app: typer.Typer, parts: Parts) -> None:
    """Add the command."""

    def work(settings: Settings) -> int:
        if settings.database_url is None:
            raise CannotRun(
                "A worker needs the database of its server: set STRONGROOM_DATABASE_URL, or give --database-url.",
                code=2,
            )
        return parts.worker(settings, typer.echo)

    app.command("worker", help=_HELP)(options.command(work, options.OF_WORKER))
