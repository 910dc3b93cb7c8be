"""The message queue: PgQueuer's messages, written in our transactions and delivered to our handlers.

A message only says "look at this job": what is done and what is left stands in the rows of jobs and tasks. So a
message may come twice or late, and one that is lost is written again by the sweep.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as Delivery
from pgqueuer.queries import Queries
from pgqueuer.types import QueueManagerId
from sqlalchemy import text

from strongroom.store.database import CONNECT_SECONDS, Connection, driver
from strongroom.store.links import SERVER_SETTINGS, WatchedConnection
from strongroom.store.works import Works

Handler = Callable[[bytes, int], Awaitable[None]]
"""Gets a message's payload, and how often the message was handed back before: by a handler, or by a worker that stops
or has lost its connection; not by one that has died."""

# A host that is lost is noticed after this; its messages go to another one.
HEARTBEAT = timedelta(seconds=10)

# The queue is looked at this often, even if nobody has said that there is something in it: nobody speaks for the
# messages of a host that is lost.
LOOK_ANYWAY = timedelta(seconds=2)

# What must end and does not, once it was cancelled, is left to itself after so many seconds.
_PATIENCE = 2.0

_REQUEUE = """
    UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, slot = NULL, updated = now()
    WHERE queue_manager_id = $1 AND status = 'picked'
"""

# What was ours before a loss: we live, so it counts as handed back.
_HAND_BACK = """
    UPDATE pgqueuer
    SET status = 'queued', queue_manager_id = NULL, slot = NULL, updated = now(), attempts = attempts + 1
    WHERE queue_manager_id = $1 AND status = 'picked'
"""

_REQUEUE_ALL = "UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, slot = NULL WHERE status = 'picked'"

# A message says where to look, and no more: one that is delivered again after a crash of the database changes nothing.
# And one plan is as good as another for the few rows that a worker takes.
_CAREFREE = {"synchronous_commit": "off", "plan_cache_mode": "force_generic_plan"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Message:
    """Something to look at. No two messages of one ``key`` wait or run at a time; a higher ``priority`` comes first."""

    entrypoint: str
    payload: bytes
    key: str
    priority: int = 0


class HandBackError(Exception):
    """Raised by a handler that gives its message back, to be delivered again after ``delay`` seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(f"to be delivered again in {delay} s")
        self.delay = delay


def schema() -> str:
    """The SQL that makes the queue's own tables."""
    return QueryBuilderEnvironment().build_install_query()


async def enqueue(connection: Connection, messages: Sequence[Message]) -> None:
    """Write messages in the open transaction; one whose key already waits or runs is left out."""
    if not messages:
        return
    queries = Queries(AsyncpgDriver(await driver(connection)))
    await queries.enqueue(
        [message.entrypoint for message in messages],
        [message.payload for message in messages],
        [message.priority for message in messages],
        dedupe_key=[message.key for message in messages],
        on_conflict="skip",
    )


async def requeue(connection: Connection, worker_id: str) -> int:
    """Give the messages of a dead worker back at once; returns how many there were."""
    result: str = await (await driver(connection)).execute(_REQUEUE, UUID(worker_id))
    return int(result.rpartition(" ")[2])


async def requeue_all(connection: Connection) -> None:
    """Give every message back that a worker has taken."""
    await (await driver(connection)).execute(_REQUEUE_ALL)


async def prune(connection: Connection, older_than: timedelta) -> None:
    """Delete the queue's own log of deliveries, which nobody reads here."""
    await connection.execute(
        text("DELETE FROM pgqueuer_log WHERE created < now() - CAST(:age AS interval)"), {"age": older_than}
    )


@dataclass(frozen=True)
class Consumer:
    """Takes messages for one worker process, ``slots`` at a time."""

    url: str
    worker_id: str
    handlers: Mapping[str, Handler]
    slots: int
    drain_seconds: float
    works: Works = field(default_factory=Works)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver messages until ``stop`` is set; then let what runs end, or hand it back after the grace time."""
        pause = 0.1
        while not stop.is_set():
            try:
                await self._deliver(stop)
                pause = 0.1
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("queue_lost", error=str(error), again_in=pause)
                await _wait(stop, pause)
                pause = min(pause * 2, 2.0)

    async def _deliver(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set or the database is lost, which the library would notice half a minute later."""
        lost = asyncio.Event()
        self.works.time_is_up = False

        async def watch(connection: asyncpg.Connection) -> None:
            connection.add_termination_listener(lambda _: lost.set())

        async with asyncpg.create_pool(
            self.url,
            min_size=2,
            max_size=4,
            timeout=CONNECT_SECONDS,
            connection_class=WatchedConnection,
            server_settings=SERVER_SETTINGS | _CAREFREE,
            init=watch,
            reset=_as_it_is,
            max_inactive_connection_lifetime=0,
        ) as pool:
            # What was ours before a loss is nobody's now: none of our handlers runs any more.
            await pool.execute(_HAND_BACK, UUID(self.worker_id))
            manager = QueueManager(Queries(AsyncpgPoolDriver(pool)))
            manager.queue_manager_id = QueueManagerId(UUID(self.worker_id))
            for entrypoint, handler in self.handlers.items():
                manager.entrypoint(entrypoint)(_yielding(handler, self.works))
            ending = asyncio.create_task(self._end(manager, stop, lost))
            try:
                await manager.run(
                    batch_size=max(1, self.slots // 2),
                    max_concurrent_tasks=max(2, self.slots),
                    heartbeat_timeout=HEARTBEAT,
                    log_aggregation_interval=timedelta(0),
                    # A listener is lost with its connection, which is watched. The library's own probe may be sent
                    # before the first LISTEN, and would then take a healthy queue for a dead one.
                    shutdown_on_listener_failure=False,
                    dequeue_timeout=LOOK_ANYWAY,
                )
            finally:
                ending.cancel()
        if lost.is_set() and not stop.is_set():
            raise ConnectionResetError("the database has closed the connection")

    async def _end(self, manager: QueueManager, stop: asyncio.Event, lost: asyncio.Event) -> None:
        causes = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(lost.wait())}
        try:
            await asyncio.wait(causes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for cause in causes:
                cause.cancel()
        manager.shutdown.set()
        await asyncio.sleep(self.drain_seconds)
        self.works.hurry(_PATIENCE)


def _yielding(handler: Handler, works: Works) -> Callable[[Delivery], Awaitable[None]]:
    """Wrap a handler so that it gives its message back, instead of being cancelled with it, when time is up.

    The message of one that was stopped is done, whatever came of it: its job has ended.
    """

    async def handle(delivery: Delivery) -> None:
        payload = delivery.payload or b""
        work = await works.do(payload, _begun(handler, payload, delivery.attempts))
        if work.stopped:
            return
        if works.time_is_up and (work.doing.cancelled() or not work.doing.done()):
            raise RetryRequested(reason="the worker stops")
        try:
            work.doing.result()
        except HandBackError as back:
            raise RetryRequested(delay=timedelta(seconds=back.delay), reason=str(back)) from back

    return handle


async def _begun(handler: Handler, payload: bytes, handed_back: int) -> None:
    await handler(payload, handed_back)


async def _as_it_is(_: asyncpg.Connection) -> None:
    """Leave a connection as it is: the library's statements leave nothing behind that another one could stumble on."""


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
