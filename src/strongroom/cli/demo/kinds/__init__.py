"""What the demo shows of each kind of job: one module a kind, whose function ``plan`` gives the jobs to start."""

import importlib
import pkgutil

from strongroom.cli.demo.job import Plan


def plans() -> list[Plan]:
    """The plan of every module here, in the order of their names."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}").plan for name in names]
