"""What a campaign does, drawn from its seed alone: which process is killed at which moment of which work."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Victim(StrEnum):
    """Who is killed, all of it with SIGKILL."""

    WORKER = "one worker"
    WORKERS = "both workers"
    WEB = "one web process"
    WEBS = "both web processes"
    POSTMASTER = "PostgreSQL's main process"
    BACKEND = "one other process of PostgreSQL"
    WATCHER = "PostgreSQL's watcher"
    SUPERVISOR = "the supervisor"
    PROGRAM = "all of them but PostgreSQL"
    EVERYTHING = "all processes at once"
    STARTING = "a server that starts"


class Scene(StrEnum):
    """What the kill comes into."""

    ANSWERED = "after the answers to the starting calls"
    CALL = "during a starting call"
    CREATION = "while a document is created"


# What ends the server costs a start, which takes longer than anything else: it comes less often.
_WEIGHTS = {
    Victim.WORKER: 5,
    Victim.WORKERS: 3,
    Victim.WEB: 3,
    Victim.WEBS: 2,
    Victim.POSTMASTER: 4,
    Victim.BACKEND: 3,
    Victim.WATCHER: 1,
    Victim.SUPERVISOR: 2,
    Victim.PROGRAM: 1,
    Victim.EVERYTHING: 2,
}
_SCENES = {Scene.ANSWERED: 7, Scene.CALL: 2, Scene.CREATION: 1}
ENDING = frozenset({Victim.SUPERVISOR, Victim.PROGRAM, Victim.EVERYTHING})
"""Who takes the whole server down: it is started again on the same data directory."""


@dataclass(frozen=True)
class Round:
    """One kill (and one more, if the start after it is killed too).

    ``jobs`` are started first. ``moment`` is a part of the time that the same takes undisturbed: of the jobs' way to
    SUCCESS, of a call, of an upload. ``pick`` says which one of several. Unless it is ``settled``, the next round
    begins while this one's jobs are in the air.
    """

    number: int
    victim: Victim
    scene: Scene
    jobs: int
    moment: float
    pick: int
    at_once: bool
    broken_start: float | None
    settled: bool

    @property
    def kills(self) -> int:
        """How many kills this is."""
        return 1 if self.broken_start is None else 2

    def told(self) -> str:
        """In one line."""
        start = ""
        if self.victim in ENDING:
            start = ", started again " + ("at once" if self.at_once else "when all has ended")
        if self.broken_start is not None:
            start += f", that start killed at {self.broken_start:.2f} of a start"
        after = "" if self.settled else ", nobody waits"
        return (
            f"round {self.number}: {self.jobs} jobs, {self.victim} (pick {self.pick}) killed {self.scene}, "
            f"at {self.moment:.2f} of its time{start}{after}"
        )


def drawn(seed: int, kills: int, first: int = 1) -> list[Round]:
    """The rounds from number ``first`` on that make so many kills. A round depends on the seed and its number only."""
    rounds: list[Round] = []
    while sum(each.kills for each in rounds) < kills:
        rounds.append(_round(seed, first + len(rounds)))
    return rounds


def _round(seed: int, number: int) -> Round:
    chance = random.Random(f"{seed}/{number}")
    (victim,) = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
    (scene,) = chance.choices(list(_SCENES), list(_SCENES.values()))
    ends = victim in ENDING
    return Round(
        number=number,
        victim=victim,
        scene=scene,
        jobs=chance.choice((1, 2, 2, 3)) if scene is Scene.ANSWERED else chance.choice((0, 1)),
        # Beyond 1 is just after the end: what is done must stay done.
        moment=chance.uniform(0, 1.2),
        pick=chance.randrange(1000),
        at_once=chance.random() < 0.5,
        broken_start=chance.uniform(0, 1) if chance.random() < 0.3 and ends else None,
        settled=chance.random() < 0.75,
    )
