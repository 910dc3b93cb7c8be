"""Writes docs/reference/settings.md from the settings themselves; a test holds the two together."""

from pathlib import Path

from strongroom.cli.options import OF_SERVE, OF_WORKER
from strongroom.config import PREFIX, Settings

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"
MEANINGS = {
    "data_dir": "where everything is kept",
    "host": "the address to listen on; loopback listens on 127.0.0.1 and ::1",
    "port": "the port; 0 takes a free one",
    "dns": "further names and addresses of the server, for its certificate",
    "tls": "HTTPS (`--no-tls`: plain HTTP)",
    "seed": "a seed file, or the word `sample`",
    "limits": "`exact`: 10 seconds between two status polls of a job; `scaled`: 1 second, and 10 times the calls and "
    "logins below; `off`: none of these limits",
    "burst_limit": "calls of the whole Vault in 5 minutes; each further one is delayed by 500 ms",
    "auth_burst_limit": "logins of one user name at one DNS in a minute: half of them are answered without delay, and "
    "those above are refused",
    "limit_counts": "where the limits are counted: `memory` of the web process, `database` for all of them; `auto`: in "
    "memory with one web process and the bundled PostgreSQL, since several servers may share another",
    "database_url": "another PostgreSQL than the bundled one (`postgresql://...`)",
    "blobs": "where the bytes are: a folder or the URL of an object store; `blobs` in the data directory by default",
    "jobs_dir": "the folder of [custom jobs](../tutorials/first-custom-job.md), whose code workers run; by default "
    "`jobs` in the data directory, if it is there",
    "postgres_bin": "the folder of PostgreSQL's programs, instead of the bundled ones",
    "web": "web processes",
    "workers": "worker processes",
    "slots": "messages that a worker works on at a time",
    "ephemeral": "keep nothing",
    "session_idle_minutes": "a session ends this long after its last use",
    "session_life_hours": "and this long after its beginning at the latest",
    "admin_user": "the name of the first admin",
    "admin_password": "that admin's password; without it one is made up and kept in `admin-password`",
    "vault_id": "the id of the Vault, settled at the first start",
    "vault_name": "its name, settled at the first start",
    "vault_timezone": "its time zone, settled at the first start",
    "inactivity_minutes": "how long a RUNNING job may go without a task that begins or ends and without a log line",
    "drain_seconds": "how long a worker that stops lets its tasks run",
    "head_seconds": "how long the headers of a request may take to come; then HTTP 408 and the end of the connection",
    "stall_seconds": "how long a client may send nothing of a body (then HTTP 408), or take nothing of a reply (then "
    "the connection ends); also how long the rest of a body is read that nobody wants, since its call is answered",
    "connections": "open connections of a web process, at most, and no more than the limit on open files allows; the "
    "one that has been idle for longest makes room for a new one, and if none is, that gets HTTP 503",
    "webhook_private": "whether webhooks may lead to private, loopback and other addresses that are not public; see "
    "[webhooks](../how-to/webhooks.md)",
    "schedule_grace_minutes": "how late a scheduled job may still begin, if no worker was there or an earlier run "
    "of it still goes on; then it ends with MISSED_SCHEDULE",
    "history_days": "how long ended jobs are kept, with their tasks and logs; without it for ever. It is what the job "
    "definition `history_pruning__v` begins with: what an admin has changed there stays",
    "log_level": "`debug`, `info`, `warning` or `error`",
}


HEAD = """\
# Settings

Each can be an option on the command line, an environment variable, or a key of a TOML file: `strongroom.toml` in the
data directory, or the file that `--config` names. The command line beats the environment, and that beats the file. An
option marked * is one of `strongroom worker`, too.

| setting | option of `strongroom serve` | variable | default | meaning |
|---|---|---|---|---|
"""


def text() -> str:
    """The page."""
    return HEAD + "".join(_row(name, meaning) for name, meaning in MEANINGS.items())


def _row(name: str, meaning: str) -> str:
    return f"| `{name}` | {_option(name)} | `{PREFIX}{name.upper()}` | {_default(name)} | {meaning} |\n"


def _option(name: str) -> str:
    if name not in OF_SERVE:
        return "-"
    on = Settings.model_fields[name].default is True
    return f"`--{'no-' if on else ''}{name.replace('_', '-')}`{' *' if name in OF_WORKER else ''}"


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    if name == "data_dir":
        return "`./strongroom-data`"
    if default is None or default == ():
        return "-"
    return f"`{default}`" if not isinstance(default, bool) else f"`{str(default).lower()}`"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
