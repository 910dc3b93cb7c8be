"""The options by which a command finds its server: a data directory on this machine, or an address."""

# The HTTP client is loaded when a command runs, not when its options are read.
# ruff: noqa: PLC0415

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from strongroom.cli.options import DATA_DIR
from strongroom.config import DEFAULT_DATA_DIR

_OPTIONS = {
    "data_dir": (Annotated[Path, DATA_DIR], DEFAULT_DATA_DIR),
    "url": (
        Annotated[
            str | None,
            typer.Option(
                "--url",
                metavar="URL",
                envvar="STRONGROOM_URL",
                help="A server elsewhere; it asks for user and password unless STRONGROOM_USER and _PASSWORD are set.",
            ),
        ],
        None,
    ),
    "cacert": (
        Annotated[
            Path | None,
            typer.Option("--cacert", metavar="FILE", help="The CA that has signed the certificate of --url."),
        ],
        None,
    ),
}


def connected(deed: Callable[..., int]) -> Callable[..., int]:
    """Make a command of a function that takes an open session (``client.Api``) first: it gets the options for that."""

    def run(data_dir: Path, url: str | None, cacert: Path | None, **given: Any) -> int:
        from strongroom.cli import client

        own = data_dir.expanduser().absolute()
        server = client.server_at(url, cacert) if url else client.server_of(own)
        with client.session(server) as api:
            return deed(api, **given)

    _, *own = inspect.signature(deed).parameters.values()
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    kept = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    read_by_typer: Any = run  # functions have the attribute that inspect.signature looks for, types do not say so
    read_by_typer.__signature__ = inspect.Signature([*kept, *added], return_annotation=int)
    run.__annotations__ = {}
    run.__doc__ = deed.__doc__
    return run
