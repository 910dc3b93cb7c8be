"""The data directory: made when it is missing, closed to others, and removed again when nothing is to be kept."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.config import CannotRun, Settings

_DATABASE_GONE = 20.0  # seconds; the database's watcher removes the cluster, whose locks lie in this directory


@contextmanager
def opened(settings: Settings) -> Iterator[Path]:
    """Provide the data directory; an ephemeral one is removed at the end (what it lies in is left alone)."""
    if not settings.ephemeral:
        made_closed(settings.data_dir)
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


def made_closed(data_dir: Path) -> None:
    """Make the directory with mode 0700 if it is missing; one that exists keeps its mode."""
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        data_dir.mkdir(mode=0o700, exist_ok=True)
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
