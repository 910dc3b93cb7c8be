"""Looks at all jobs whose progress somebody follows: their tasks and new lines of their logs, in one go for all.

A line is shown only when no other can turn up below it any more: see ``log_order``.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from strongroom.domain.job import LogLine, TaskState
from strongroom.store.log_order import Mark, mark
from strongroom.store.passing import is_passing

EVERY = 0.5
"""Seconds between two looks."""

_SOON = 0.05  # seconds, for who cannot wait for the next one
_ENTRIES = 500  # of one log that one look gives

_COUNTS = """
    SELECT jobs.id, jobs.total_tasks, counted.state, counted.size FROM jobs
    LEFT JOIN LATERAL (
        SELECT state, count(*) AS size FROM job_tasks WHERE job_id = jobs.id GROUP BY state
    ) AS counted ON true
    WHERE jobs.id = ANY($1::integer[])
"""

_LINES = """
    SELECT asked.job_id, asked.after, entry.id, entry.task, entry.time, entry.text
    FROM unnest($1::integer[], $2::bigint[]) AS asked (job_id, after)
    CROSS JOIN LATERAL (
        SELECT id, task, time, text FROM job_log
        WHERE job_log.job_id = asked.job_id AND id > asked.after AND id <= $3 ORDER BY id LIMIT $4
    ) AS entry
    ORDER BY entry.id
"""

_log = structlog.get_logger(__name__)

_Asked = tuple[int, int]  # the id of a job, and of the last line of its log that is known


@dataclass(frozen=True)
class Look:
    """What there is to see of a job: its tasks by state, and lines of its log.

    ``newest`` is the highest number that any line had by then, ``complete`` the one up to which all lines were given;
    ``more`` says that there are more lines than one look gives.
    """

    total: int
    counts: Mapping[TaskState, int]
    lines: Sequence[LogLine]
    newest: int
    complete: int
    more: bool


@dataclass
class Looks:
    """Those who wait for the next look, and what is known of how far the logs can be read."""

    opened: Callable[[], AbstractAsyncContextManager[AsyncConnection]]
    _waiting: "list[tuple[_Asked, asyncio.Future[Look]]]" = field(default_factory=list)
    _hurried: "list[tuple[_Asked, asyncio.Future[Look]]]" = field(default_factory=list)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _round: "asyncio.Task[None] | None" = None
    _marks: deque[Mark] = field(default_factory=deque)  # of the last looks, up to which the lines may not be all there
    _settled: int = 0  # the number below which no line can turn up any more

    def ask(self, job_id: int, after: int, *, soon: bool) -> "asyncio.Future[Look]":
        """Ask for the next look at a job, with the lines of its log after one; ``soon``: it is not to wait for long."""
        answer: asyncio.Future[Look] = asyncio.get_running_loop().create_future()
        (self._hurried if soon else self._waiting).append(((job_id, after), answer))
        if soon:
            self._hurry.set()
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._serve())
        return answer

    async def close(self) -> None:
        """Look no more."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)
        for _, answer in self._waiting + self._hurried:
            answer.cancel()

    async def _serve(self) -> None:
        now = asyncio.get_running_loop().time
        tick = now() + EVERY
        while self._waiting or self._hurried:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(tick - _SOON):
                    await self._hurry.wait()
            await asyncio.sleep(_SOON)
            self._hurry.clear()
            asked, self._hurried = self._hurried, []
            if now() >= tick:
                asked, self._waiting = asked + self._waiting, []
                tick = now() + EVERY
            if asked := [each for each in asked if not each[1].done()]:
                await self._answer(asked)

    async def _answer(self, waiting: "list[tuple[_Asked, asyncio.Future[Look]]]") -> None:
        try:
            found = await self._look({asked for asked, _ in waiting})
        except Exception as error:  # noqa: BLE001 - it belongs to those who asked, unless it passes
            if is_passing(error):
                _log.warning("jobs_not_seen", error=str(error), again_in=EVERY)
                self._waiting += waiting
                return
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for asked, answer in waiting:
                if not answer.done():
                    answer.set_result(found[asked])

    async def _look(self, wanted: set[_Asked]) -> dict[_Asked, Look]:
        jobs = list({job_id for job_id, _ in wanted})
        async with self.opened() as connection:
            reader: Any = (await connection.get_raw_connection()).driver_connection
            now = await mark(connection)
            self._settle(now)
            counts = await reader.fetch(_COUNTS, jobs)
            ids, afters = zip(*wanted, strict=True)
            lines = await reader.fetch(_LINES, ids, afters, self._settled, _ENTRIES)
        totals = {row["id"]: row["total_tasks"] for row in counts}
        states: dict[int, dict[TaskState, int]] = defaultdict(dict)
        for row in counts:
            if row["state"] is not None:
                states[row["id"]][TaskState(row["state"])] = row["size"]
        entries: dict[_Asked, list[Any]] = {asked: [] for asked in wanted}
        for row in lines:
            entries[row["job_id"], row["after"]].append(row)
        return {
            asked: Look(
                totals.get(asked[0], 0),
                states[asked[0]],
                [line for row in rows for line in _lines_of(row)],
                now.newest,
                rows[-1]["id"] if len(rows) == _ENTRIES else self._settled,
                more=len(rows) == _ENTRIES,
            )
            for asked, rows in entries.items()
        }

    def _settle(self, now: Mark) -> None:
        """Learn up to which number the lines are all there."""
        self._marks.append(now)
        while self._marks and self._marks[0].is_whole(now):
            self._settled = max(self._settled, self._marks.popleft().newest)


def _lines_of(row: Any) -> list[LogLine]:
    return [LogLine(row["id"], row["time"], line, row["task"]) for line in row["text"].splitlines() or [""]]
