"""Databases of root whose data directory is gone: a note beside each says where it was, so that they can be named."""

import os
from contextlib import suppress
from pathlib import Path

from strongroom.store.embedded.binaries import SHARED
from strongroom.store.embedded.watcher import server_pid

_NOTE = ".data-dir"  # behind the name of a cluster; beside it, since the cluster's folder belongs to another user


def note(cluster: Path, data_dir: Path) -> None:
    """Keep beside a machine-wide cluster whose it is. One that lies in its data directory needs no note."""
    if cluster.parent != SHARED:
        return
    file, told = cluster.with_name(cluster.name + _NOTE), os.fsencode(data_dir)
    with suppress(OSError):  # a server must start without it
        if not file.exists() or file.read_bytes() != told:
            file.write_bytes(told)


def abandoned() -> list[tuple[Path, Path]]:
    """The clusters whose data directory is not there, each with that directory. Nothing of them is touched.

    It may lie on a disk that is not mounted just now: only a person can know.
    """
    found = []
    for file in sorted(SHARED.glob(f"*{_NOTE}")):
        cluster = file.with_name(file.name.removesuffix(_NOTE))
        with suppress(OSError):  # another server may tidy up at the same time
            if not cluster.exists():
                file.unlink()
                continue
            data_dir = Path(os.fsdecode(file.read_bytes()))
            if not data_dir.exists() and server_pid(cluster) is None:
                found.append((cluster, data_dir))
    return found
