"""A job of the demo: how it is started, how it must end, and what its results are compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.cli.client import Api


class UnexpectedError(Exception):
    """Something is not as it should be; the message is a sentence."""


@dataclass(frozen=True)
class DemoJob:
    """A job to start. ``start`` gives its id; ``verify`` gets its results and says in a few words what they are."""

    title: str
    status: str
    start: Callable[[Api], int]
    verify: Callable[[Api, dict[str, Any]], str]
    """Raises ``UnexpectedError`` when the results are not what they should be."""


Plan = Callable[[Api], Sequence[DemoJob]]
"""Looks at what the Vault has, and says which jobs to start and what must come of them."""


@dataclass(frozen=True)
class Run:
    """A started job, and its status as the API has told it last (empty before the first poll)."""

    job: DemoJob
    id: int
    status: dict[str, Any]

    @property
    def state(self) -> str:
        """The job's status, as a word."""
        return str(self.status.get("status", ""))


@dataclass(frozen=True)
class Outcome:
    """What has come of a job: ``result`` in a few words, or ``problem`` in a sentence."""

    run: Run
    result: str
    problem: str | None = None
