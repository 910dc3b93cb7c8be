"""The settings as command-line options: each is passed on as text, and checked in one place with everything else."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from strongroom.config import Settings, load

_HELP = {
    "data_dir": ("DIR", "Where everything is kept; made when missing."),
    "host": ("ADDRESS", "The address to listen on; 0.0.0.0 for all."),
    "port": ("PORT", "The port to listen on; 0 takes a free one."),
    "dns": ("NAME", "A name or address that clients use, for the certificate; may be given again."),
    "tls": ("", "Answer HTTPS with a certificate of the local CA, or plain HTTP."),
    "seed": ("FILE", "A TOML file that describes the Vault's content, or the word sample."),
    "limits": ("exact|scaled|off", "The API's rate limits: as Vault has them, 10 times as generous, or none."),
    "burst_limit": ("N", "How many calls in 5 minutes are answered without delay."),
    "auth_burst_limit": ("N", "How many logins a user name has in a minute, at one DNS."),
    "limit_counts": ("auto|memory|database", "Where the limits are counted: for one web process, or for all."),
    "database_url": ("URL", "A PostgreSQL to use (postgresql://...) instead of the bundled one."),
    "blobs": ("URL", "Where the bytes of files are kept: a folder, or the URL of an object store."),
    "jobs_dir": ("DIR", "The folder of custom jobs; by default jobs in the data directory, if it is there."),
    "postgres_bin": ("DIR", "The bin folder of the PostgreSQL to run, instead of the bundled one."),
    "web": ("N", "How many web processes."),
    "workers": ("N", "How many worker processes."),
    "slots": ("N", "How many tasks one worker runs at a time."),
    "ephemeral": ("", "Keep nothing: everything is removed at the end."),
    "session_idle_minutes": ("MINUTES", "How long a session lasts that is not used."),
    "session_life_hours": ("HOURS", "How long a session lasts at most."),
    "admin_user": ("NAME", "The name of the first admin."),
    "vault_id": ("ID", "The Vault's id, settled at the first start."),
    "vault_name": ("NAME", "The Vault's name, settled at the first start."),
    "vault_timezone": ("ZONE", "The Vault's time zone, settled at the first start."),
    "inactivity_minutes": ("MINUTES", "After how long a running job that gives no sign of life is ended."),
    "drain_seconds": ("SECONDS", "How long running tasks may go on when the server stops."),
    "head_seconds": ("SECONDS", "How long the headers of a request may take to come."),
    "stall_seconds": ("SECONDS", "How long a client may send nothing of a body, or take nothing of a reply."),
    "connections": ("N", "How many connections one web process keeps open at most."),
    "webhook_private": ("", "Let webhooks lead to private and loopback addresses, too."),
    "schedule_grace_minutes": ("MINUTES", "How late a scheduled job may still begin; then it has missed its schedule."),
    "history_days": ("DAYS", "How long ended jobs are kept; for ever by default."),
    "log_level": ("LEVEL", "debug, info, warning or error."),
}
_TEXT, _FLAG, _MANY = str | None, bool | None, list[str] | None

DATA_DIR = typer.Option("--data-dir", metavar="DIR", envvar="STRONGROOM_DATA_DIR", help=_HELP["data_dir"][1])
"""The option of the commands that need the directory alone."""

_CONFIG = typer.Option("--config", metavar="FILE", envvar="STRONGROOM_CONFIG", help="A TOML file with settings.")

OF_SERVE = tuple(_HELP)
OF_WORKER = (
    "data_dir",
    "database_url",
    "blobs",
    "jobs_dir",
    "slots",
    "session_idle_minutes",
    "session_life_hours",
    "inactivity_minutes",
    "drain_seconds",
    "schedule_grace_minutes",
    "webhook_private",
    "log_level",
)


def command(deed: Callable[[Settings], int], names: Sequence[str]) -> Callable[..., int]:
    """Make a function that Typer reads as a command with these settings as options, and ``--config``."""

    def run(config: Path | None = None, **given: Any) -> int:
        return deed(load({name: value for name, value in given.items() if value not in (None, [])}, config))

    parameters = [_parameter("config", Path | None, _CONFIG), *(_option(name) for name in names)]
    read_by_typer: Any = run  # functions have the attribute that inspect.signature looks for, types do not say so
    read_by_typer.__signature__ = inspect.Signature(parameters, return_annotation=int)
    run.__annotations__ = {}
    run.__doc__ = deed.__doc__
    return run


def _option(name: str) -> inspect.Parameter:
    metavar, text = _HELP[name]
    kind = Settings.model_fields[name].annotation
    flag, dashed = kind is bool, name.replace("_", "-")
    default = Settings.model_fields[name].default
    spelled = f"--{dashed}/--no-{dashed}" if flag and default else f"--{dashed}"
    shown = "" if flag or default in (None, ()) else f" (default {_shown(default)})"
    option = typer.Option(spelled, metavar=metavar or None, help=text + shown, show_default=False)
    return _parameter(name, _FLAG if flag else _MANY if name == "dns" else _TEXT, option)


def _parameter(name: str, kind: Any, option: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _shown(default: object) -> str:
    return f"./{default.name}" if isinstance(default, Path) else str(default)
