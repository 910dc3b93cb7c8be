"""One page of a longer list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True)
class Window:
    """Which rows are wanted: ``offset`` rows are skipped, at most ``limit`` follow."""

    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one window, and how many there are in all."""

    rows: Sequence[Row]
    total: int
    window: Window
