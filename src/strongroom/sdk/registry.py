"""Finds kinds of jobs: every class in a package's modules that is one."""

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

from strongroom.sdk.job import JobKind

Kinds = dict[str, JobKind[Any]]


class DuplicateKindError(Exception):
    """Two kinds of jobs have one name; the message names both files."""


def load(package: ModuleType) -> Kinds:
    """Make one of each kind that the modules of a package define, by name."""
    found: Kinds = {}
    for module_name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"{package.__name__}.{module_name}")
        for _, kind_class in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind_class, JobKind) and kind_class.__module__ == module.__name__:
                _add(found, kind_class())
    return found


def _add(found: Kinds, kind: JobKind[Any]) -> None:
    other = found.get(kind.name)
    if other is not None:
        files = " and ".join(sorted(inspect.getfile(type(each)) for each in (other, kind)))
        raise DuplicateKindError(f"Two kinds of jobs are called {kind.name!r}: {files}. Rename one of them.")
    found[kind.name] = kind
