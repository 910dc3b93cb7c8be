"""``strongroom serve``: run a server."""

import typer

from strongroom.cli import options
from strongroom.cli.parts import Parts
from strongroom.config import PREFIX, Settings

_HELP = f"""Run a server in the foreground, until Ctrl-C or SIGTERM; SIGHUP gives it new workers.

It prints "ready URL" when it answers. Every option is also an environment variable ({PREFIX}PORT for --port) and a
key (port) of the file that --config names, or of strongroom.toml in the data directory; the command line wins over
the environment, and that over the file."""


def add(app: typer.Typer, parts: Parts) -> None:
    """Add the command."""

    def serve(settings: Settings) -> int:
        return parts.serve(settings, typer.echo)

    app.command("serve", help=_HELP)(options.command(serve, options.OF_SERVE))
