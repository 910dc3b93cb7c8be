"""Jobs against the table of moves: whatever befalls them, each move is a legal one, and no job or work is lost or doubled.

Hypothesis plays the world: starts, schedules, messages that come twice, late or never, workers that die in the middle of
a step or come back after it, cancelling, deadlines, silence, queues. The database, the services and the handlers of the
engine are the real ones.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from structlog.testing import capture_logs
from tests.conftest import ADMIN
from tests.engine.post import Letter
from tests.engine.stage import KIND, Scene, Stage, staged, status_of, traits
from tests.fuzz.profiles import fuzzed
from tests.services.schedules import HOURLY, define, register

from strongroom.config import Settings
from strongroom.domain.errors import OperationNotAllowed
from strongroom.domain.job import JobStatus
from strongroom.engine import queueing
from strongroom.engine.execution import Execution
from strongroom.main.vault import open_vault
from strongroom.services import job_definitions, job_ends, job_messages, jobs, queues, scheduled_jobs, users
from strongroom.services.job_definitions import Changes
from strongroom.store import scheduled_jobs as scheduled_rows
from strongroom.store.scheduled_jobs import Beginning
from strongroom.vault import Vault

QUEUE = "played_jobs__c"
ACTIVE_AT_ONCE, HELD_AT_ONCE = 3, 3

SHAPES = st.fixed_dictionaries(
    {
        "whole": st.sampled_from([False, False, True]),
        "sdk": st.booleans(),
        "idempotent": st.sampled_from([True, True, True, False]),
        "cancellable": st.sampled_from([True, True, True, False]),
        "queue": st.sampled_from([None, QUEUE]),
        "limit": st.sampled_from([None, timedelta(minutes=1)]),
    }
)
# No items, one task, a few, and more than go out at once.
ITEMS = st.sampled_from([0, 1, 3, 7, 7, 24])
GONE = "its code is gone"
DEEDS = st.sampled_from(["go", "go", "go", "hold", "hold", "hold", "die", "lose the database", "break", GONE])
# A job that runs as a whole comes to all three with one message, any other to one.
POINTS = {"run": "init", "task": "process", "complete": "complete"}
SCENES = st.builds(Scene, st.sampled_from([*POINTS.values()]), DEEDS)
FATES = st.sampled_from(["go", "go", "die", "lose the database", "break"])
PLACES = st.integers(0, 1000)


class Jobs(RuleBasedStateMachine):
    """A Vault with one queue and one definition; the stage keeps what was seen, and looks at it after each step.

    No rule has a precondition: which of two workers is the faster one is no choice of Hypothesis', so what can be done
    next may differ when the same steps are taken again, and it would take that for a flaw of the machine.
    """

    portal: BlockingPortal
    stage: Stage
    admin: Vault
    examples = 0

    def __init__(self) -> None:
        super().__init__()
        self.definition = 0

    def do(self, deed: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        return self.portal.call(deed, *given)

    @initialize()
    def begin(self) -> None:
        type(self).examples += 1
        self.do(self.stage.clear)
        self.definition = self.do(self._define)

    async def _define(self) -> int:
        await queues.enable_delivery(self.admin, QUEUE)
        await register(self.admin, KIND)
        name = f"played_{self.examples}__c"
        return (await define(self.admin, name, HOURLY, kind=KIND, parameters={"items": 3})).id

    @rule(shape=SHAPES, items=ITEMS, bad=st.sampled_from([False, False, True]))
    def start(self, shape: dict[str, Any], items: int, bad: bool) -> None:
        if self.stage.going_on < ACTIVE_AT_ONCE:
            self.do(self._start, shape, {"items": items, "bad": bad})

    async def _start(self, shape: dict[str, Any], given: dict[str, Any]) -> None:
        await jobs.begin(self.admin, traits(**shape), given, "POST")
        await self.stage.collect()

    @rule(place=PLACES, scene=SCENES)
    def deliver(self, place: int, scene: Scene) -> None:
        if waiting := self.stage.waiting:
            self.do(self._deliver, waiting.pop(place % len(waiting)), scene)

    @rule(count=st.integers(1, 12))
    def deliver_several(self, count: int) -> None:
        for _ in range(min(count, len(self.stage.waiting))):
            self.do(self._deliver, self.stage.waiting.pop(0), Scene())

    @rule(place=PLACES)
    def deliver_to_two_workers_at_once(self, place: int) -> None:
        if waiting := self.stage.waiting:
            letter = waiting.pop(place % len(waiting))
            self.do(self.stage.post.deliver, letter, letter)
            self.do(self.stage.collect)

    @rule(place=PLACES, scene=SCENES)
    def deliver_late(self, place: int, scene: Scene) -> None:
        """One of the last messages comes again, whatever has become of its job meanwhile."""
        if seen := self.stage.post.seen[-30:]:
            self.do(self._deliver, seen[place % len(seen)], scene)

    async def _deliver(self, letter: Letter, scene: Scene) -> None:
        whole = await self.stage.is_whole(letter)
        if not whole:
            scene.point = POINTS[letter[0]]
        # A transaction that stands still with a job's row locked would stop whoever delivers the next message.
        if (whole and scene.point == "complete") or len(self.stage.held) == HELD_AT_ONCE:
            scene.deed = "go" if scene.deed == "hold" else scene.deed
        if scene.deed == GONE:
            await register(self.admin, KIND, error="SyntaxError")
            await self.stage.deliver(letter, scene, Execution(self.stage.vault, {}, slots=1))
            await register(self.admin, KIND)
        else:
            await self.stage.deliver(letter, scene)
        await self.stage.collect()

    @rule(place=PLACES)
    def lose(self, place: int) -> None:
        if waiting := self.stage.waiting:
            waiting.pop(place % len(waiting))

    @rule()
    def sweep(self) -> None:
        self.do(self.stage.post.find_lost)
        self.do(self.stage.collect)

    @rule(place=PLACES, fate=FATES)
    def revive(self, place: int, fate: str) -> None:
        """A worker that was believed dead comes back, or is dead now."""
        if held := self.stage.held:
            self.do(self.stage.go_on, held[place % len(held)], fate)
            self.do(self.stage.collect)

    @rule(place=PLACES, scene=SCENES)
    def take_over(self, place: int, scene: Scene) -> None:
        """The message of a worker that is believed dead goes to another one."""
        if held := self.stage.held:
            self.do(self._deliver, held[place % len(held)].letter, scene)

    @rule(how=st.sampled_from(["cancel", "cancel", "time", "silence", "disable", "enable", "reset"]), place=PLACES)
    def interfere(self, how: str, place: int) -> None:
        deeds: dict[str, Callable[[], Awaitable[object]]] = {
            "cancel": lambda: self._cancel(place),
            "time": self._let_time_pass,
            "silence": lambda: self._silence(place),
            "disable": lambda: queues.disable_delivery(self.admin, QUEUE),
            "enable": lambda: queues.enable_delivery(self.admin, QUEUE),
            "reset": lambda: queues.reset(self.admin, QUEUE),
        }
        self.do(deeds[how])
        self.do(self.stage.collect)

    async def _cancel(self, place: int) -> None:
        if active := await self.stage.active():
            job_id, status, _ = active[place % len(active)]
            job = await jobs.retrieve(self.admin, job_id)
            if job.cancellable or status == "SCHEDULED":
                assert (await jobs.cancel(self.admin, job_id)).status is JobStatus.CANCELLED
                assert await status_of(self.stage, job_id) is JobStatus.CANCELLED
            else:
                with pytest.raises(OperationNotAllowed):
                    await jobs.cancel(self.admin, job_id)

    async def _let_time_pass(self) -> None:
        """Two minutes: jobs that may take one are ended, by two watchdogs."""
        later = self.stage.later(minutes=2)
        await asyncio.gather(*(job_ends.end_overdue(later) for _ in range(2)))

    async def _silence(self, place: int) -> None:
        if running := [job_id for job_id, status, _ in await self.stage.active() if status == "RUNNING"]:
            job_id = running[place % len(running)]
            await self.stage.age(job_id)
            await job_ends.end_silent(self.stage.vault)
            assert await status_of(self.stage, job_id) is JobStatus.COMPLETED_DUE_TO_INACTIVITY

    @rule(how=st.sampled_from(["due", "due", "whole", "late", "now", "unfit"]))
    def schedule(self, how: str) -> None:
        self.do(self._schedule, how)

    async def _schedule(self, how: str) -> None:
        found = await self._scheduled()
        if found is None:
            return
        due = self.stage.until(found.schedule_date)
        if how == "due":
            await scheduled_jobs.begin_due(due)
        elif how == "late":
            await scheduled_jobs.begin_due(self.stage.until(found.schedule_date + timedelta(days=1)))
        elif how == "unfit":
            await register(self.admin, KIND, error="SyntaxError")
            await scheduled_jobs.begin_due(due)
            await register(self.admin, KIND)
        elif how == "now":
            await self._start_now(found.id)
        else:
            await self._begin_whole(found.id)
        await self.stage.collect()

    async def _scheduled(self) -> Any:
        async with self.admin.database.reading() as connection:
            return (await scheduled_rows.scheduled_of(connection, [self.definition])).get(self.definition)

    async def _start_now(self, job_id: int) -> None:
        try:
            assert (await scheduled_jobs.start_now(self.admin, job_id)).id == job_id
        except OperationNotAllowed:
            assert await status_of(self.stage, job_id) is JobStatus.SCHEDULED

    async def _begin_whole(self, job_id: int) -> None:
        now = self.admin.clock.now()
        async with self.admin.database.transaction() as connection:
            beginning = Beginning(job_id, traits(whole=True), now + timedelta(hours=72))
            await scheduled_rows.begin(connection, [beginning], self.admin.user.id, now)
            await job_messages.enqueue_run(connection, [job_id])
        await scheduled_jobs.make_missing(self.stage.vault)

    @invariant()
    def every_move_was_legal(self) -> None:
        self.do(self.stage.audit)

    def teardown(self) -> None:
        """Workers and messages come to their end: every job has ended, or waits for a reason that is known."""
        if not self.definition:
            return
        for number, held in enumerate(list(self.stage.held)):
            self.do(self.stage.go_on, held, ("go", "die")[number % 2])
        self.do(self.stage.until_quiet)
        queue = self.do(queues.retrieve, self.admin, QUEUE)
        for _, status, name in self.do(self.stage.active):
            assert status == "SCHEDULED" or (status == "QUEUED" and name == QUEUE and not queue.delivery)
        self.do(queues.enable_delivery, self.admin, QUEUE)
        self.do(job_definitions.update, self.admin, self.definition, Changes(active=False))
        self.do(self.stage.until_quiet)
        assert self.do(self.stage.active) == []
        self.do(self.stage.audit)
        self.do(self.stage.check_work)


@pytest.fixture
def machine(anyio_backend: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Jobs]]:
    # Small jobs are written in several transactions, too.
    monkeypatch.setattr(queueing, "_TASKS", 2)
    with (
        # What the code of a job raises is logged with all that its traceback holds, which takes longer than the job.
        capture_logs(),
        start_blocking_portal(anyio_backend) as portal,
        portal.wrap_async_context_manager(open_vault(settings)) as system,
    ):
        admin = portal.call(users.find, system, ADMIN)
        assert admin is not None
        vault = system.as_user(admin)
        portal.call(queues.create, vault, QUEUE)
        with portal.wrap_async_context_manager(staged(system)) as stage:
            yield type("JobsOfThisTest", (Jobs,), {"portal": portal, "stage": stage, "admin": vault})


def test_no_job_makes_an_illegal_move_and_none_is_lost(machine: type[Jobs]) -> None:
    run_state_machine_as_test(machine, settings=fuzzed(40, share=10, steps=30))
