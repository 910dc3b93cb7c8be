"""What a benchmark measures and how it is kept: the sides of a comparison, measured in turn, medians of the rounds."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


@dataclass(frozen=True)
class Effort:
    """How much is measured: so many rounds; ``quick``: so little of everything that it only shows that it works."""

    rounds: int = 5
    quick: bool = False

    def of(self, whole: int, quick: int) -> int:
        """A number of things, or of seconds."""
        return quick if self.quick else whole


@dataclass
class Side:
    """One of those that are compared: a value for each round, and what else was seen (its notes)."""

    name: str
    values: list[float] = field(default_factory=list)
    notes: dict[str, list[float]] = field(default_factory=dict)

    def add(self, value: float, **notes: float) -> None:
        """Add a round."""
        self.values.append(value)
        for name, note in notes.items():
            self.notes.setdefault(name, []).append(note)

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)

    def note(self, name: str) -> float | None:
        """The median of a note."""
        return statistics.median(self.notes[name]) if name in self.notes else None


@dataclass(frozen=True)
class Bound:
    """What is asked for: a ratio of a side to another (to the highest of several), or one side's own value."""

    side: str
    against: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


@dataclass
class Comparison:
    """One benchmark: what is measured, in which unit, by whom, and what is asked for."""

    title: str
    unit: str
    sides: list[Side]
    bounds: list[Bound] = field(default_factory=list)
    remark: str = ""

    def side(self, name: str) -> Side:
        """One of the sides."""
        return next(side for side in self.sides if side.name == name)

    def rival(self, bound: Bound) -> Side | None:
        """The side that a bound compares with."""
        return max((self.side(name) for name in bound.against), key=lambda side: side.median, default=None)

    def reached(self, bound: Bound) -> float:
        """What a bound asks for, as it was measured: the ratio of the medians."""
        value, rival = self.side(bound.side).median, self.rival(bound)
        return value if rival is None else value / rival.median

    def holds(self, bound: Bound) -> bool:
        """Whether a bound is kept."""
        reached = self.reached(bound)
        return (bound.at_least is None or reached >= bound.at_least) and (
            bound.at_most is None or reached <= bound.at_most
        )


def in_turn(rounds: int, *measures: Callable[[], None]) -> None:
    """Measure each side once in every round: what the machine does meanwhile meets all of them."""
    for _ in range(rounds):
        for measure in measures:
            measure()


@dataclass
class Used:
    """What processes have used: seconds of a core, and memory (PSS) in megabytes at the end."""

    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0

    @property
    def cores(self) -> float:
        """Cores in use on average, in percent of one."""
        return 100 * self.cpu / self.seconds

    def notes(self) -> dict[str, float]:
        """As the notes of a round."""
        return {"cpu": self.cores, "memory": self.memory}


@contextmanager
def used_by(processes: Callable[[], list[psutil.Process]]) -> Iterator[Used]:
    """Watch processes while a block runs; they are looked up at its begin and at its end."""
    used = Used()
    began, before = time.perf_counter(), cpu_seconds(processes())
    yield used
    used.seconds = time.perf_counter() - began
    after = processes()
    used.cpu = cpu_seconds(after) - before
    used.memory = memory(after)


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process with all that it has started."""
    return [process, *process.children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Seconds of a core that processes have used since they began; their children that have ended are included."""
    return sum(_ask(each, lambda process: sum(process.cpu_times()[:4])) for each in processes)


def memory(processes: list[psutil.Process]) -> float:
    """The memory of processes, in megabytes: what several share is split among them (PSS)."""
    return sum(_ask(each, lambda process: process.memory_full_info().pss) for each in processes) / 1e6


def percentile(seconds: list[float], share: float) -> float:
    """The time, in milliseconds, that this share of times did not exceed."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def latencies(seconds: list[float]) -> dict[str, float]:
    """The usual two of them, as the notes of a round."""
    return {"p50": percentile(seconds, 0.5), "p99": percentile(seconds, 0.99)}


@contextmanager
def pinned(first: list[psutil.Process]) -> Iterator[None]:
    """Keep processes on the first core and this one on the last, for as long as a block runs."""
    cores, me = sorted(os.sched_getaffinity(0)), psutil.Process()
    for process in first:
        _pin(process, {cores[0]})
    _pin(me, {cores[-1]})
    try:
        yield
    finally:
        for process in (me, *first):
            _pin(process, set(cores))


def wait_until(done: Callable[[], bool], what: str, seconds: float = 600, step: float = 0.005) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(step)


def _pin(process: psutil.Process, cores: set[int]) -> None:
    for thread in process.threads():
        try:
            os.sched_setaffinity(thread.id, cores)
        except ProcessLookupError:
            continue


def _ask(process: psutil.Process, question: Callable[[psutil.Process], float]) -> float:
    try:
        return question(process)
    except psutil.NoSuchProcess:
        return 0.0
