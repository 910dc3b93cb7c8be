"""Jobs that do nothing: how many a worker brings to SUCCESS in a second, beside other job runners at equal slots."""

import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import contenders
from benchmarks.contenders import Contender
from benchmarks.measure import Bound, Comparison, Effort, Side, in_turn, tree, used_by, wait_until
from benchmarks.peers.first import FILE
from benchmarks.servers import Asking, new_database, postgres, python, redis
from benchmarks.vaults import prepared

_SLOTS = 10
_CELERY = ("Celery, 10 threads", "Celery, 2 processes")


def run(effort: Effort) -> list[Comparison]:
    """Measure all of them, each with jobs that were started before its worker was."""
    count = effort.of(2000, 50)
    with (
        postgres() as url,
        prepared(url) as vault,
        Asking(vault.url) as ours,
        Asking(new_database(url)) as theirs,
        Asking(new_database(url)) as bare,
        redis() as durable,
        redis("everysec") as lazy,
    ):
        all_of_them = [
            contenders.strongroom(vault, ours, _SLOTS),
            contenders.celery(_CELERY[0], durable, "-P", "threads", "-c", _SLOTS),
            contenders.celery(_CELERY[1], durable, "-P", "prefork", "-c", 2),
            contenders.celery(f"{_CELERY[0]}, fsync once a second", lazy, "-P", "threads", "-c", _SLOTS),
            contenders.celery(f"{_CELERY[1]}, fsync once a second", lazy, "-P", "prefork", "-c", 2),
            contenders.dramatiq(durable, _SLOTS),
            contenders.procrastinate(theirs, _SLOTS),
            contenders.pgqueuer(bare, _SLOTS),
        ]
        sides = {each.name: Side(each.name) for each in all_of_them}

        in_turn(effort.rounds, *(partial(_measure, each, sides[each.name], count) for each in all_of_them))
    return [
        Comparison(
            "Jobs that do nothing, from start to SUCCESS",
            "jobs/s",
            list(sides.values()),
            [
                Bound("Strongroom", _CELERY, at_least=1),
                Bound("Strongroom", ("Procrastinate",), at_least=2),
            ],
            f"{count:,} jobs, started before the worker was; from the moment at which the worker began with the first "
            f"to the one at which the last had ended, every status on the disk; {_SLOTS} slots in one worker process "
            "(Celery: the better of its two pools counts, and it acknowledges late and keeps its results). CPU and "
            "memory are the worker's, without PostgreSQL and Redis. Celery beside a Redis that writes to the disk once "
            "a second, and so may lose what it has acknowledged, is for comparison.",
        )
    ]


def _measure(contender: Contender, side: Side, count: int) -> None:
    contender.give(count)
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first"
        environment = contender.environment | {FILE: str(first)}
        with python(*contender.work, peers=contender.peers, environment=environment) as worker:
            wait_until(lambda: first.exists() and first.read_text().endswith("\n"), f"{contender.name} begins")
            with used_by(lambda: tree(worker)) as used:
                wait_until(lambda: contender.ended() >= count, f"{contender.name} ends")
                ended = time.monotonic()
        side.add(count / (ended - float(first.read_text())), **used.notes())
    contender.check(count)
