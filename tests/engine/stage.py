"""A stage for jobs: every step of theirs can be stopped, broken or killed in its middle, and every change is noted.

The database, the services and the handlers are the real ones; what is played is the world around them: the messages
come when and as often as a test wants, and a worker dies where a test says so.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import asyncpg
from sqlalchemy import text
from tests.engine.post import Letter, Post

from strongroom.domain.job import MOVES, JobStatus, JobTraits
from strongroom.domain.page import Window
from strongroom.engine.execution import Execution
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext
from strongroom.services import job_definitions, job_messages
from strongroom.services.job_definitions import Changes
from strongroom.store.clock import Clock
from strongroom.store.passing import is_passing
from strongroom.store.queue import HandBackError
from strongroom.vault import Vault

KIND, WHOLE = "played__c", "played_whole"
LEGAL: set[tuple[str | None, str]] = {(move.source.value, move.target.value) for move in MOVES}
FIRST: set[tuple[str | None, str]] = {(None, "SCHEDULED"), (None, "QUEUEING"), (None, "QUEUED")}
_GOING_ON = ("QUEUEING", "QUEUED", "RUNNING")
PATIENCE = 60  # seconds that one step may take on a busy machine

# Whatever statement changes a job is seen by this: each change of status, and any change at all of a job that had ended.
AUDIT = """
    CREATE TABLE audit (id bigserial, job integer, old text, new text, late boolean);
    CREATE TABLE applied (job integer, task integer, attempt integer);
    CREATE TABLE completed (job integer);
    CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO audit (job, new, late) VALUES (NEW.id, NEW.status, false);
        ELSIF OLD.run_end_date IS NOT NULL OR OLD.status <> NEW.status THEN
            INSERT INTO audit (job, old, new, late)
            VALUES (NEW.id, OLD.status, NEW.status, OLD.run_end_date IS NOT NULL);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_change AFTER INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION note_change();
"""


@dataclass
class Scene:
    """What happens to one handler at a point: ``init``, ``process`` or ``complete``, when it comes there first."""

    point: str = ""
    deed: str = "go"
    reached: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def at(self, point: str) -> None:
        if point != self.point:
            return
        self.point = ""
        if self.deed == "hold":
            self.reached.set()
            await self.goes_on.wait()
        if self.deed == "die":
            current = asyncio.current_task()
            assert current is not None
            current.cancel()
            await asyncio.sleep(0)
        if self.deed == "lose the database":
            raise ConnectionResetError("the database is away")
        if self.deed == "break":
            raise RuntimeError("the code is broken")


_scene: ContextVar[Scene | None] = ContextVar("_scene", default=None)


@dataclass(frozen=True)
class Given:
    """``items`` items; the first task fails if they are ``bad``."""

    items: int = 3
    bad: bool = False


class Played(JobKind[Given]):
    """Notes in the database which task it has done, and that it was completed, in the transactions of these."""

    name: ClassVar[str] = KIND
    title = "Played"
    input = Given
    chunk_size: ClassVar[int | None] = 2

    async def init(self, ctx: InitContext[Given]) -> AsyncIterator[dict[str, Any]]:
        for number in range(ctx.input.items):
            if number == ctx.input.items - 1:
                await _at("init")
            yield {"number": number}

    async def process(self, ctx: ProcessContext[Given]) -> None:
        await _at("process")
        ctx.output["numbers"] = [item["number"] for item in ctx.task.items]
        if ctx.input.bad and ctx.task.number == 1:
            ctx.fail()
        row = {"job": ctx.job.id, "task": ctx.task.number, "attempt": ctx.task.attempt}
        ctx.apply(lambda vault: _write(vault, "INSERT INTO applied VALUES (:job, :task, :attempt)", row))

    async def complete_with_success(self, ctx: CompletionContext[Given]) -> None:
        await _write(ctx.vault, "INSERT INTO completed VALUES (:job)", {"job": ctx.job.id})
        await _at("complete")

    async def complete_with_error(self, ctx: CompletionContext[Given]) -> None:
        await self.complete_with_success(ctx)


class PlayedWhole(Played):
    """The same in one go."""

    name = WHOLE
    chunk_size = None


KINDS: dict[str, JobKind[Any]] = {KIND: Played(), WHOLE: PlayedWhole()}


def traits(*, whole: bool = False, **other: Any) -> JobTraits:
    return JobTraits(WHOLE if whole else KIND, "Played", whole=whole, **other)


@dataclass
class Held:
    """A handler that stands still in the middle of its step."""

    letter: Letter
    handler: "asyncio.Task[None]"
    scene: Scene


@dataclass
class Stage:
    """The messages that wait, and the handlers that stand still; the workers of the post office take turns.

    ``going_on``: how many jobs have begun and not ended, as of the last look at what has changed.
    """

    vault: Vault
    connection: asyncpg.Connection
    post: Post
    waiting: list[Letter] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    given_back: Counter[Letter] = field(default_factory=Counter)
    moves: set[tuple[str | None, str]] = field(default_factory=set)
    going_on: int = 0
    looked_up_to: int = 0
    turn: int = 0

    async def collect(self) -> None:
        """Take every message that was written."""
        self.waiting += await self.post.collect()

    async def deliver(self, letter: Letter, scene: Scene | None = None, worker: Execution | None = None) -> None:
        """Bring a message to the next worker, or that one; comes back when its handler has ended, or stands still."""
        scene = scene or Scene()
        self.turn += 1
        handler = asyncio.create_task(self._handle(letter, scene, worker or self.post.workers[self.turn % 2]))
        halt = asyncio.create_task(scene.reached.wait())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait((handler, halt), return_when=asyncio.FIRST_COMPLETED)
        halt.cancel()
        if handler.done():
            self._end(Held(letter, handler, scene))
        else:
            self.held.append(Held(letter, handler, scene))

    async def go_on(self, held: Held, deed: str) -> None:
        """Let a handler that stands still go on, or meet what befalls it there."""
        self.held.remove(held)
        held.scene.deed = deed
        held.scene.goes_on.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({held.handler})
        self._end(held)

    async def clear(self) -> None:
        """Begin anew, with no jobs, messages or handlers."""
        for held in self.held:
            held.handler.cancel()
        await asyncio.gather(*(held.handler for held in self.held), return_exceptions=True)
        await self.connection.execute("TRUNCATE jobs, pgqueuer, audit, applied, completed CASCADE")
        for each in (self.held, self.waiting, self.post.seen, self.given_back):
            each.clear()
        self.going_on = self.turn = 0

    async def until_quiet(self) -> None:
        """Find what is lost and deliver all that comes, until nothing comes any more."""
        for _ in range(200):
            await self.post.find_lost()
            await self.collect()
            if not self.waiting:
                return
            while self.waiting:
                await self.deliver(self.waiting.pop(0))
                await self.collect()
        raise AssertionError(f"it never ends: {await self.active()}")

    async def active(self) -> list[tuple[int, str, str | None]]:
        """The jobs that have not ended: id, status, queue."""
        rows = await self.connection.fetch("SELECT id, status, queue FROM jobs WHERE run_end_date IS NULL ORDER BY id")
        return [(row["id"], row["status"], row["queue"]) for row in rows]

    async def is_whole(self, letter: Letter) -> bool:
        """Whether a message is about a job that runs as a whole."""
        wanted = "SELECT whole FROM jobs WHERE id = $1"
        return bool(await self.connection.fetchval(wanted, job_messages.read(letter[1]).job_id))

    async def audit(self) -> None:
        """Look at what has changed since the last look: every move was a legal one, and no ended job has changed."""
        rows = await self.connection.fetch("SELECT * FROM audit WHERE id > $1 ORDER BY id", self.looked_up_to)
        for row in rows:
            move = (row["old"], row["new"])
            assert not row["late"], f"job {row['job']} changed after its end: {move}"
            assert move in LEGAL | FIRST, f"job {row['job']} made an illegal move: {move}"
            self.moves.add(move)
            self.looked_up_to = row["id"]
            self.going_on += (move[1] in _GOING_ON) - (move[0] in _GOING_ON)

    async def check_work(self) -> None:
        """What each job has written is what its tasks say, once each."""
        for row in await self.connection.fetch(_WORK):
            assert not row["open_tasks"] or row["status"] != "SUCCESS", dict(row)
            assert row["applied"] == row["distinct_applied"], f"a task was done twice: {dict(row)}"
            assert row["applied"] == row["done"], f"what was written is not what the tasks say: {dict(row)}"
            assert row["done"] == row["by_the_last"], f"an earlier try has written: {dict(row)}"
            assert row["completed"] <= 1, f"a job was completed twice: {dict(row)}"
            if row["status"] == "SUCCESS":
                assert (row["applied"], row["completed"]) == (row["total_tasks"], 1), dict(row)
            elif row["status"] != "ERRORS_ENCOUNTERED":
                assert row["completed"] == 0, dict(row)

    def later(self, **time: float) -> Vault:
        """The Vault as it will be after some time."""
        return replace(self.vault, clock=Clock(timedelta(**time)))

    def until(self, moment: datetime) -> Vault:
        """The Vault as it will be at that moment."""
        return replace(self.vault, clock=Clock(moment - self.vault.clock.now()))

    async def age(self, job_id: int) -> None:
        """Have the last sign of life of a RUNNING job, and of its tasks, be long ago."""
        async with self.connection.transaction():
            moved = (
                "UPDATE jobs SET touched = now() - interval '1 year' WHERE id = $1 AND status = 'RUNNING' RETURNING id"
            )
            if await self.connection.fetchval(moved, job_id) is not None:
                await self.connection.execute(
                    "UPDATE job_tasks SET touched = now() - interval '1 year' WHERE job_id = $1", job_id
                )

    async def _handle(self, letter: Letter, scene: Scene, worker: Execution) -> None:
        _scene.set(scene)
        entrypoint, payload = letter
        if entrypoint == "complete":
            await worker.complete(payload)
        else:
            await getattr(worker, entrypoint)(payload, self.given_back[letter])

    def _end(self, held: Held) -> None:
        """See how a handler has ended: what is given back comes again, what a dead worker had is lost."""
        if held.handler.cancelled():
            return
        error = held.handler.exception()
        if error is None:
            return
        if not isinstance(error, HandBackError) and not is_passing(error):
            raise error
        self.given_back[held.letter] += 1
        self.waiting.append(held.letter)


# A job that runs as a whole has a row for its task only where that has an output, which all of these have.
_WORK = """
    SELECT jobs.id, jobs.status, jobs.total_tasks, jobs.open_tasks,
        (SELECT count(*) FROM applied WHERE job = jobs.id) AS applied,
        (SELECT count(DISTINCT task) FROM applied WHERE job = jobs.id) AS distinct_applied,
        (
            SELECT count(*) FROM applied JOIN job_tasks ON job_id = job AND number = task WHERE job = jobs.id
                AND applied.attempt = CASE WHEN whole THEN jobs.attempt ELSE job_tasks.attempt END
        ) AS by_the_last,
        (SELECT count(*) FROM completed WHERE job = jobs.id) AS completed,
        (SELECT count(*) FROM job_tasks WHERE job_id = jobs.id AND output ? 'numbers') AS done
    FROM jobs WHERE kind IN ('played__c', 'played_whole')
"""


@asynccontextmanager
async def staged(vault: Vault) -> AsyncIterator[Stage]:
    """Set the stage in a Vault of its own, whose system jobs do not play."""
    for planned in (await job_definitions.list_definitions(vault, Window(200))).rows:
        await job_definitions.update(vault, planned.definition.id, Changes(active=False))
    connection = await asyncpg.connect(vault.database.url)
    await connection.execute(AUDIT)
    post = Post(vault, connection, [Execution(vault, KINDS, slots=1) for _ in range(2)])
    stage = Stage(vault, connection, post)
    try:
        yield stage
    finally:
        for held in list(stage.held):
            held.handler.cancel()
        await connection.close()


async def _at(point: str) -> None:
    if scene := _scene.get():
        await scene.at(point)


async def _write(vault: Vault, statement: str, row: dict[str, int]) -> None:
    async with vault.database.transaction() as connection:
        await connection.execute(text(statement), row)


async def status_of(stage: Stage, job_id: int) -> JobStatus:
    return JobStatus(await stage.connection.fetchval("SELECT status FROM jobs WHERE id = $1", job_id))
