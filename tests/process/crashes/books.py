"""What a campaign writes down: its calls, what was wrong, and the counts for the table."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from tests.process.crashes.plan import Round, Victim


class Wrong(StrEnum):
    """What must never be."""

    LOST = "lost"  # answered with SUCCESS, and not there or not ended with SUCCESS
    TWICE = "twice"  # ended, listed or exported more than once
    BYTES = "wrong bytes"  # a file that is missing, or not its document's own
    HALF = "half there"  # begun by a call without an answer, and neither whole nor absent
    LEFT = "left over"  # messages, active jobs or processes at the end


@dataclass
class Exporting:
    """A call that started a job, or was to: without an answer ``job_id`` is None."""

    round: int
    documents: dict[int, str]
    job_id: int | None
    open: bool = True
    lost: bool = False


@dataclass
class Upload:
    """A call that created a document, or was to."""

    round: int
    name: str
    checksum: str
    document_id: int | None


@dataclass
class Row:
    """The counts of one kind of victim."""

    kills: int = 0
    jobs: int = 0
    longest: float = 0.0


@dataclass
class Books:
    """All of it. ``statuses`` are those of the jobs in the air, a moment before the kill."""

    exports: list[Exporting] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    wrong: Counter[Wrong] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    rows: dict[Victim, Row] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    files: int = 0
    unanswered: int = 0
    unanswered_done: int = 0

    def row(self, victim: Victim) -> Row:
        """The counts of one kind of victim."""
        return self.rows.setdefault(victim, Row())

    def blame(self, wrong: Wrong, number: int, what: str) -> None:
        """Write down what was wrong, with the round in which the work began."""
        self.wrong[wrong] += 1
        self.faults.append(f"round {number}: {wrong}: {what}")

    @property
    def open(self) -> list[Exporting]:
        """The answered jobs whose end has not been seen."""
        return [each for each in self.exports if each.open and each.job_id is not None]

    def killed(self, what: Round, further: int) -> None:
        """Count the kills of a round, and the jobs that were in the air."""
        row = self.row(what.victim)
        row.kills += 1
        row.jobs += len(self.open)
        if further:
            self.row(Victim.STARTING).kills += further
