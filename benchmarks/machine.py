"""The machine that something was measured on, and the versions of what was measured."""

import os
import platform
import statistics
import tempfile
import time
from importlib import metadata
from pathlib import Path

import psutil
from benchmarks.servers import PEERS_PYTHON, ask_python, postgres, sql

_PEERS = ("celery", "flower", "dramatiq", "procrastinate", "redis-server")
_OURS = ("pgqueuer", "starlette", "uvicorn", "uvloop", "asyncpg", "sqlalchemy")
_VERSIONS = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"


def describe() -> dict[str, str]:
    """Each of its properties by its name."""
    with postgres() as url:
        server = str(sql(url, "SHOW server_version"))
    return {
        "CPU": f"{_cpu()}, {len(os.sched_getaffinity(0))} cores",
        "Memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "Kernel": f"{platform.system()} {platform.release()}",
        "File system": f"{_file_system()}; an fsync of 8 kB takes {_fsync():.2f} ms (median)",
        "Python": platform.python_version(),
        "PostgreSQL": f"{server}, as Strongroom starts it: durable, `fsync` and `synchronous_commit` on",
        "Libraries": ", ".join(f"{name} {metadata.version(name)}" for name in _OURS),
        "Peers": _peers(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Model", "cpu model"}:
            return value.strip()
    return platform.machine()


def _file_system() -> str:
    """The file system of the folder for temporary files, in which everything is measured."""
    folder = Path(tempfile.gettempdir()).resolve()
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next(mounts[place] for place in (folder, *folder.parents) if place in mounts)


def _fsync() -> float:
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(50):
            file.write(bytes(8192))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _peers() -> str:
    programs = [name for name in _PEERS if name != "redis-server"]
    told = ask_python("-c", _VERSIONS, *programs, peers=True).strip()
    line = os.popen(f"{PEERS_PYTHON.parent / 'redis-server'} --version").read()
    return f"{told}, Redis {line.partition('v=')[2].partition(' ')[0]}"
