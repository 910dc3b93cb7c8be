"""Finds custom jobs: the files of the jobs folder and the entry points of installed packages.

Their code is trusted: it runs in the workers, with all that these may do. What is broken disables its own jobs only.
"""

import hashlib
import importlib.metadata
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import structlog

from strongroom.domain.custom_job import RegisteredJob
from strongroom.domain.errors import VaultError
from strongroom.engine.custom_kind import CustomKind, adapted
from strongroom.sdk.custom_job import Job, check, is_custom_job
from strongroom.services import job_metadata
from strongroom.vault import Vault

ENTRY_POINTS = "strongroom.jobs"

_log = structlog.get_logger(__name__)

_NAMED = re.compile(rb"""\bname\s*=\s*["']([a-z][a-z0-9_]*__c)["']""")


@dataclass(frozen=True)
class Source:
    """Where jobs may come from: ``text`` are the bytes of its file, and ``load`` gives the module, or the class."""

    name: str
    text: bytes
    load: Callable[[], Any]
    stem: str

    @property
    def sha256(self) -> str:
        """The hash of the file, in hex."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class Found:
    """The kinds that can be run, by name; a row for each job, fit for use or not; the error of each broken source."""

    kinds: dict[str, CustomKind] = field(default_factory=dict)
    rows: dict[str, RegisteredJob] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, kind: CustomKind) -> None:
        """Take a kind; two of one name are both refused."""
        row = kind.registered
        other = self.rows.get(row.name)
        if other is None:
            self.kinds[row.name], self.rows[row.name] = kind, row
        else:
            sources = " and ".join(sorted({*other.source.split(" and "), row.source}))
            error = f"several jobs are called {row.name}: {sources}. Rename all but one of them."
            self.kinds.pop(row.name, None)
            self.rows[row.name] = unusable(row.name, sources, row.sha256, error, row.registered)


async def load(vault: Vault) -> dict[str, CustomKind]:
    """Load what this worker can run of custom jobs, and tell the Vault of it: the web processes load no code."""
    folder = vault.settings.jobs_folder
    found = find(folder, vault.clock.now())
    for source, error in found.broken.items():
        _log.error("custom_job_broken", source=source, error=error)
    await job_metadata.register(vault, list(found.rows.values()), found.broken, whole=folder is not None)
    return found.kinds


def find(folder: Path | None, now: datetime) -> Found:
    """Load every custom job that this machine has."""
    found, disabled = Found(), list[RegisteredJob]()
    for source in (*_files(folder), *_packaged()):
        try:
            kinds = [_kind(job, source, now) for job in _jobs(source.load())]
        except BaseException as error:  # noqa: BLE001 - a file may even exit: it is none of the worker's business
            found.broken[source.name] = told = _explained(error, source)
            disabled += [unusable(name, source.name, source.sha256, told, now) for name in _names_in(source)]
        else:
            for kind in kinds:
                found.add(kind)
    for row in disabled:
        found.rows.setdefault(row.name, row)
    return found


def unusable(name: str, source: str, sha256: str, error: str, now: datetime) -> RegisteredJob:
    """Make the row of a job that cannot be started, with the reason."""
    return RegisteredJob(name=name, label=name, job_code="", source=source, sha256=sha256, error=error, registered=now)


def _files(folder: Path | None) -> Iterator[Source]:
    """The Python files of the folder, except those whose name begins with an underscore or a dot."""
    if folder is None:
        return
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith(("_", ".")):
            yield _file(path)


def _file(path: Path) -> Source:
    try:
        text = path.read_bytes()
    except OSError as error:
        return Source(path.name, b"", _raising(error), path.stem)
    return Source(path.name, text, lambda: _module(path, text), path.stem)


def _raising(error: Exception) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load


def _module(path: Path, text: bytes) -> ModuleType:
    """Make a module of the very bytes that the hash was made of; nothing is written beside the file."""
    name = f"strongroom_jobs_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look there
    exec(compile(text, str(path), "exec"), vars(module))  # noqa: S102 - this is what the folder is for
    return module


def _packaged() -> Iterator[Source]:
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        spec = f"entry point {entry.name} ({entry.value})"
        try:
            loaded = entry.load()
            text = Path(inspect.getsourcefile(loaded) or "").read_bytes()
        except BaseException as error:  # noqa: BLE001 - as above
            told = error if isinstance(error, Exception) else RuntimeError(repr(error))
            yield Source(spec, b"", _raising(told), entry.name)
        else:
            yield Source(spec, text, partial(_same, loaded), entry.name)


def _same(loaded: Any) -> Any:
    return loaded


def _jobs(loaded: Any) -> list[type[Job]]:
    if is_custom_job(loaded):
        return [loaded]
    return [each for each in vars(loaded).values() if is_custom_job(each) and each.__module__ == loaded.__name__]


def _kind(job: type[Job], source: Source, now: datetime) -> CustomKind:
    check(job)
    metadata, info = job.metadata, job.info
    row = RegisteredJob(
        name=metadata.name,
        label=metadata.label,
        description=metadata.description,
        job_code=f"Sdkjob.{job.__module__}.{job.__qualname__}",
        active=True,
        chunk_size=metadata.chunk_size,
        queue=metadata.queue,
        single_instance_states=tuple(metadata.single_instance_states),
        timeout_duration=metadata.timeout_duration,
        admin_configurable=info.admin_configurable,
        idempotent=info.idempotent,
        is_visible=info.is_visible,
        admin_cancellable=info.admin_cancellable,
        source=source.name,
        sha256=source.sha256,
        error=None,
        registered=now,
    )
    return adapted(job(), row)


def _names_in(source: Source) -> list[str]:
    """The names of the jobs of a file that cannot be loaded: what it seems to call them, or else its own name."""
    named = [name.decode() for name in dict.fromkeys(_NAMED.findall(source.text))]
    stem = re.sub(r"[^a-z0-9_]", "_", source.stem.lower())
    return named or [f"{stem}__c"]


def _explained(error: BaseException, source: Source) -> str:
    """The first line of an error, with file and line."""
    first = (str(error).splitlines() or [""])[0]
    text = first if isinstance(error, VaultError) else f"{type(error).__name__}: {first}".rstrip(": ")
    if isinstance(error, SyntaxError):
        text, line = f"{type(error).__name__}: {error.msg}", error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((each.lineno for each in reversed(frames) if Path(each.filename).name == source.name), None)
    return f"{text} ({source.name}{'' if line is None else f':{line}'})"
