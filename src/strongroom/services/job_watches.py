"""Jobs that somebody watches: the next change of one's status is waited for, or its course followed as events."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import cache

from strongroom.domain.errors import VaultError
from strongroom.domain.job import MOVES, Job, JobStatus, LogLine, TaskState
from strongroom.services import jobs
from strongroom.store.changes import Watch
from strongroom.store.looks import Look
from strongroom.store.passing import is_passing
from strongroom.vault import Vault

BEAT = 15.0
"""Seconds between two signs of life of an event stream."""

_PATIENCE = 3.0  # seconds that a stream waits for the connection by which changes are told, before it goes without


@dataclass(frozen=True)
class StatusEvent:
    """The job has this status now: the first event, and one for each change."""

    status: JobStatus


@dataclass(frozen=True)
class ProgressEvent:
    """How many tasks the job has, and how many of them are in each state."""

    total: int
    counts: dict[TaskState, int]


@dataclass(frozen=True)
class LogEvent:
    """New lines of the job's log."""

    lines: list[LogLine]


@dataclass(frozen=True)
class Beat:
    """Nothing has happened: a sign of life, and the time to ask whether the one who watches still may."""


@dataclass(frozen=True)
class EndEvent:
    """The job has ended with this status, and its log has been given whole."""

    status: JobStatus


Event = StatusEvent | ProgressEvent | LogEvent | Beat | EndEvent


async def next_change(vault: Vault, job_id: int, since: JobStatus | None, seconds: float) -> Job:
    """Give the job once its status is another than ``since``, but after ``seconds`` at the latest.

    Without ``since`` it is the present status. One that has ended changes no more and is not waited for.
    """
    until = asyncio.get_running_loop().time() + seconds
    job = await jobs.retrieve(vault, job_id)
    known, changes = since or job.status, vault.database.changes
    if seconds <= 0 or job.status is not known or job.status.is_terminal:
        return job
    with changes.watching(job_id) as watch:
        stirred = True
        while stirred and not changes.dismissed:
            job = await jobs.retrieve(vault, job_id)
            if job.status is not known:
                return job
            stirred = await watch.wait(until)
    return await jobs.retrieve(vault, job_id)


async def follow(vault: Vault, job_id: int, after: int) -> AsyncGenerator[Event, None]:
    """Give what happens to a job, until it has ended: its status, its progress, and its log after the line ``after``.

    It ends before, without ``EndEvent``, when the process stops or the job may not be seen any more.
    """
    changes, now = vault.database.changes, asyncio.get_running_loop().time
    with changes.watching(job_id) as watch:
        await changes.listening(_PATIENCE)
        course, beat = _Course(vault, watch, job_id, after), now() + BEAT
        try:
            while not changes.dismissed:
                for status in await course.statuses():
                    yield StatusEvent(status)
                for event in course.seen():
                    yield event
                if course.is_over and course.status is not None:
                    yield EndEvent(course.status)
                    return
                if now() >= beat:
                    yield Beat()
                    beat = now() + BEAT
                await watch.wait(beat)
        except VaultError:
            return
        finally:
            course.leave()


@dataclass
class _Course:
    """How far the one who follows a job has been told of it."""

    vault: Vault
    watch: Watch
    job_id: int
    last: int
    """The line of the log up to which all is told."""
    status: JobStatus | None = None
    progress: ProgressEvent = field(default_factory=lambda: ProgressEvent(0, {}))
    final: int | None = None
    """The newest line, of whatever log, at the first look after the job had ended."""
    is_over: bool = False
    hurried: int = 2
    """How many looks are to come soon: by the second one, what there was at the first can be told."""
    look: "asyncio.Future[Look] | None" = None

    async def statuses(self) -> list[JobStatus]:
        """Give the changes of the status that have not been told yet, in order."""
        told = self.watch.told
        if self.status is None:
            # First: what was told meanwhile is either older, and of no interest, or newer.
            await self._read(told.appendleft)
        elif self.watch.anew:
            await self._read(told.append)
        new: list[JobStatus] = []
        while told:
            status = JobStatus(told.popleft())
            if self.status is None or status in _later_than(self.status):
                self.status = status
                new.append(status)
        if new and new[-1].is_terminal:
            self.leave()  # what is under way may have begun before the end
        return new

    def seen(self) -> list[Event]:
        """Give what the last look has shown, if there was one, and ask for the next."""
        events: list[Event] = []
        ended = self.status is not None and self.status.is_terminal
        if self.look is not None and self.look.done():
            look, self.look = self.look.result(), None
            progress = ProgressEvent(look.total, dict(look.counts))
            if progress != self.progress:
                events.append(progress)
                self.progress = progress
            if look.lines:
                events.append(LogEvent(list(look.lines)))
                self.last = look.lines[-1].id
            self.hurried = max(self.hurried - 1, int(look.more))
            if ended:
                self.final = look.newest if self.final is None else self.final
                self.is_over = look.complete >= self.final
        if self.look is None and not self.is_over:
            self.look = self.vault.database.looks.ask(self.job_id, self.last, soon=ended or self.hurried > 0)
            self.look.add_done_callback(lambda _: self.watch.stir())
        return events

    def leave(self) -> None:
        """Wait for no look any more."""
        if self.look is not None:
            self.look.cancel()
            self.look = None

    async def _read(self, tell: Callable[[str], None]) -> None:
        """Read the status that the job has, or leave it to the next time when the database is away."""
        self.watch.anew = False
        try:
            tell((await jobs.retrieve(self.vault, self.job_id)).status)
        except Exception as error:
            if not is_passing(error):
                raise
            self.watch.anew = True


@cache
def _later_than(status: JobStatus) -> frozenset[JobStatus]:
    """Give the statuses that a job may come to from this one."""
    found: set[JobStatus] = set()
    sources = {status}
    while sources:
        sources = {move.target for move in MOVES if move.source in sources} - found
        found |= sources
    return frozenset(found)
