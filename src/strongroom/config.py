"""The settings of a server: where each comes from (command line, environment, file, default) and what it may be."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "STRONGROOM_"
FILE_NAME = "strongroom.toml"
DEFAULT_DATA_DIR = Path("strongroom-data")
SAMPLE = Path("sample")
"""The word that ``seed`` takes instead of a file: the sample Vault that is shipped."""

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_REASONS = {
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "greater_than": "it must be more than {gt:.15g}",
    "greater_than_equal": "it must be {ge:.15g} or more",
    "less_than_equal": "it must be {le:.15g} or less",
    "literal_error": "it must be {expected}",
    "value_error": "{error}",
}


class CannotRun(Exception):  # noqa: N818 - it reads as what it says: strongroom cannot run
    """What stops a command before it has begun: one sentence for the person who typed it, and the exit code."""

    def __init__(self, sentence: str, *, code: int = 1) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _listed(value: object) -> object:
    return tuple(re.split(r"[\s,]+", value.strip(" ,"))) if isinstance(value, str) else value


def _host_name(name: str) -> str:
    if not is_address(name) and not re.fullmatch(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", name, re.IGNORECASE):
        raise ValueError("it must be a host name or an IP address, without scheme and port")
    return name


def _time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, KeyError, OSError) as error:
        raise ValueError("it must be a time zone such as UTC or Europe/Berlin") from error


def _seed(path: Path) -> Path:
    if path == SAMPLE:
        return path
    path = _absolute(path)
    if not path.is_file():
        raise ValueError("it must be a file that exists, or the word sample")
    return path


def _postgres_url(url: str) -> str:
    if urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ValueError("it must begin with postgresql://")
    return url


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Settings(BaseSettings):
    """Everything that can be set, as checked values. ``load`` makes it; children of a server get it as JSON."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Annotated[Path, AfterValidator(_absolute)] = DEFAULT_DATA_DIR.absolute()
    host: Annotated[str, AfterValidator(_host_name)] = "127.0.0.1"
    port: int = Field(8443, ge=0, le=65535)
    dns: Annotated[tuple[Annotated[str, AfterValidator(_host_name)], ...], NoDecode, BeforeValidator(_listed)] = ()
    tls: bool = True
    seed: Annotated[Path, AfterValidator(_seed)] | None = None
    limits: Literal["exact", "scaled", "off"] = "exact"
    burst_limit: int = Field(2000, ge=1, le=10**8)
    auth_burst_limit: int = Field(20, ge=1, le=10**8)
    limit_counts: Literal["auto", "memory", "database"] = "auto"
    database_url: Annotated[str, AfterValidator(_postgres_url)] | None = None
    blobs: str | None = None
    jobs_dir: Annotated[Path, AfterValidator(_absolute)] | None = None
    postgres_bin: Annotated[Path, AfterValidator(_absolute)] | None = None
    web: int = Field(1, ge=1, le=64)
    workers: int = Field(1, ge=0, le=64)
    slots: int = Field(20, ge=1, le=1000)
    ephemeral: bool = False
    session_idle_minutes: float = Field(20, gt=0)
    session_life_hours: float = Field(48, gt=0)
    admin_user: str = Field("admin@localhost", min_length=1, max_length=255)
    admin_password: SecretStr | None = None
    vault_id: int = Field(1001, ge=1, le=2**31 - 1)
    vault_name: str = Field("Strongroom", min_length=1, max_length=255)
    vault_timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    inactivity_minutes: float = Field(120.0, gt=0)
    drain_seconds: float = Field(10.0, ge=0, le=86400)
    head_seconds: float = Field(30.0, gt=0, le=86400)
    stall_seconds: float = Field(60.0, gt=0, le=86400)
    connections: int = Field(1000, ge=1, le=10**6)
    webhook_private: bool = False
    schedule_grace_minutes: float = Field(30.0, gt=0, le=525_600)
    history_days: float | None = Field(None, gt=0, le=36500)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def jobs_folder(self) -> Path | None:
        """The folder of custom jobs: the one that is set, or ``jobs`` in the data directory if there is one."""
        folder = self.jobs_dir or self.data_dir / "jobs"
        return folder if folder.is_dir() else None

    @property
    def counted_in(self) -> Literal["memory", "database"]:
        """Where the limits are counted: in the memory of the web process only if there can be no second one."""
        if self.limit_counts == "auto":
            return "memory" if self.web == 1 and self.database_url is None else "database"
        return self.limit_counts


def load(given: Mapping[str, Any], config_file: Path | None = None) -> Settings:
    """Settle every value: ``given`` (command line) before environment before TOML file before default.

    Raises ``CannotRun`` (exit code 2) with a sentence that names the value and where it was set.
    """
    data_dir = Path(given.get("data_dir") or os.environ.get(f"{PREFIX}DATA_DIR") or DEFAULT_DATA_DIR).expanduser()
    own_file = data_dir / FILE_NAME
    file = config_file or own_file
    written = _read(file, required=config_file is not None)
    if file == own_file and "data_dir" in written:
        raise CannotRun(f"{own_file} cannot set data_dir: it lies in that directory; use --config.", code=2)
    set_in_environment = {name.upper().removeprefix(PREFIX).lower() for name, value in os.environ.items() if value}
    below = {name: value for name, value in written.items() if name not in set_in_environment}
    try:
        settings = Settings(**{**below, **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CannotRun(_sentence(first, given, below, file), code=2) from error
    if settings.ephemeral and settings.database_url:
        raise CannotRun("--ephemeral keeps nothing, but --database-url names a database that stays.", code=2)
    if settings.jobs_dir and not settings.jobs_dir.is_dir():
        raise CannotRun(f"The jobs folder {settings.jobs_dir} does not exist: make it, or correct jobs_dir.", code=2)
    return settings


def to_orders(settings: Settings, *, first_start: bool = False) -> dict[str, Any]:
    """The settings as JSON for a child process. Only the one that prepares the first start is told the password."""
    orders = settings.model_dump(mode="json") | {"admin_password": None, "seed": None}
    if first_start:
        password = settings.admin_password
        orders["admin_password"] = password.get_secret_value() if password else None
        orders["seed"] = str(settings.seed) if settings.seed else None
    return orders


def from_orders(orders: Mapping[str, Any]) -> Settings:
    """Take the settings from the parent process; nothing in the environment changes them."""
    return Settings(**orders)


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        if required:
            raise CannotRun(f"The file {file} that --config names does not exist.", code=2) from error
        return {}
    except OSError as error:
        raise CannotRun(f"The settings in {file} cannot be read: {error.strerror}.", code=2) from error
    except ValueError as error:
        raise CannotRun(f"{file} is not a TOML file: {error}.", code=2) from error


def _sentence(error: ErrorDetails, given: Mapping[str, Any], written: Mapping[str, Any], file: Path) -> str:
    name = str(error["loc"][0])
    if name in given:
        where = f"--{name.replace('_', '-')}"
    elif name in written:
        where = f"{name} in {file}"
    else:
        where = f"{PREFIX}{name.upper()}"
    if error["type"] == "extra_forbidden":
        return f"{where} is not a setting; the settings are {', '.join(Settings.model_fields)}."
    # These may hold a password, which must not end up on a terminal or in a log.
    shown = "" if name in {"database_url", "admin_password"} else f" {error['input']}"
    return f"{where}{shown} cannot be used: {_reason(error)}."


def _reason(error: ErrorDetails) -> str:
    if error["type"] in _REASONS:
        return _REASONS[error["type"]].format(**error.get("ctx", {}))
    return error["msg"].replace("Input should", "it should").replace("String should", "it should")
