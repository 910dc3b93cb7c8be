"""One server per data directory: a lock that the kernel drops when its owner dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.config import CannotRun

NAME = "lock"


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Own the data directory while the block runs; raises ``CannotRun`` that names the process which owns it."""
    lock = os.open(data_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
            raise CannotRun(
                f"The data directory {data_dir} is in use by another strongroom serve (process {owner}): "
                "stop that one, or choose another --data-dir."
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(lock, 0)
    finally:
        os.close(lock)
