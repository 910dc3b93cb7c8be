"""The data directory: made when it is missing, closed to others, and removed again when nothing is to be kept."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.config import FILE_NAME, CannotRun, Settings
from strongroom.store import durable

_POSTGRES = ("postgres", "postgres.id", "postgres.locks", "postgres.log")
OURS = frozenset(("admin-password", "blobs", "lock", "server.json", "tls", "users.txt", FILE_NAME, *_POSTGRES))
"""What Strongroom itself puts into a data directory, or looks for there."""

_CHOSEN = {"lock", FILE_NAME}  # a server has run there, or somebody has meant it to
_OF_THE_SYSTEM = {"lost+found"}  # a volume of its own has it
_DATABASE_GONE = 20.0  # seconds; the database's watcher removes the cluster, whose locks lie in this directory


@contextmanager
def opened(settings: Settings) -> Iterator[Path]:
    """Provide the data directory; an ephemeral one is removed at the end (what it lies in is left alone)."""
    if not settings.ephemeral:
        made_ours(settings.data_dir)
        yield settings.data_dir.resolve()
        return
    if "data_dir" not in settings.model_fields_set:
        data_dir, ours = Path(tempfile.mkdtemp(prefix="strongroom-")).resolve(), True
    else:
        data_dir, ours = settings.data_dir, not settings.data_dir.exists()
        made_closed(data_dir)
        if any(data_dir.iterdir()):
            raise CannotRun(f"--ephemeral removes its data directory at the end, but {data_dir} is not empty.", code=2)
    try:
        yield data_dir.resolve()
    finally:
        clear(data_dir, itself=ours)


def made_ours(data_dir: Path) -> None:
    """Make the directory if it is missing; one with other things in it, where no server has run, is refused."""
    made_closed(data_dir)
    found = {entry.name for entry in data_dir.iterdir()}
    others = sorted(name for name in found - _OF_THE_SYSTEM if name.removesuffix(".new") not in OURS)
    if others and not found & _CHOSEN:
        raise CannotRun(
            f"The folder {data_dir} holds other things, such as {others[0]}, and no data of Strongroom: name a new or "
            f"empty one by --data-dir, or put an empty file {FILE_NAME} there if you mean this one.",
            code=2,
        )


def made_closed(data_dir: Path) -> None:
    """Make the directory with mode 0700 if it is missing; one that exists keeps its mode."""
    try:
        durable.make_folder(data_dir, mode=0o700)
        (data_dir / ".").stat()
    except OSError as error:
        raise CannotRun(
            f"The data directory {data_dir} cannot be used ({error.strerror}): correct that, "
            "or choose another --data-dir."
        ) from error


def clear(data_dir: Path, *, itself: bool) -> None:
    """Remove everything in the directory, and the directory when it is ours."""
    for entry in list(data_dir.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    if itself:
        shutil.rmtree(data_dir, ignore_errors=True)


def clear_after(data_dir: Path) -> None:
    """Do the same for a supervisor that was killed, once the database's watcher has done its part."""
    deadline = time.monotonic() + _DATABASE_GONE
    while (data_dir / "postgres.locks").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(data_dir, ignore_errors=True)
