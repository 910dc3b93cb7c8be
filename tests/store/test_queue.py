"""The consumer of the queue: a worker that has nothing to do lives on."""

import asyncio
from datetime import timedelta
from typing import TypeVar

import asyncpg
import pytest
from pgqueuer.core.qm import QueueManager
from pgqueuer.queries import Queries
from structlog.testing import capture_logs

from strongroom.store import queue
from strongroom.store.database import Database
from strongroom.store.queue import Consumer, HandBackError, Message

pytestmark = pytest.mark.anyio

Thing = TypeVar("Thing")
SOON = timedelta(milliseconds=50)
_LOSE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the library's probes of its listener come to: each is lost, as one is that is sent before the first LISTEN.

    And all that is done every few seconds is done every 50 ms.
    """
    ends: list[str] = []
    probe = QueueManager.listener_healthy

    async def lost(_queries: Queries, _probe: object) -> None:
        return

    async def recorded(manager: QueueManager, timeout: timedelta = SOON) -> object:  # noqa: ASYNC109 - the name is the library's
        try:
            return await probe(manager, min(timeout, SOON))
        except Exception as error:
            ends.append(type(error).__name__)
            raise

    monkeypatch.setattr(Queries, "notify_health_check", lost)
    monkeypatch.setattr(QueueManager, "listener_healthy", recorded)
    monkeypatch.setattr(queue, "LOOK_ANYWAY", SOON)
    return ends


async def test_an_idle_worker_lives_on_when_a_probe_of_the_library_is_lost(
    database_url: str, probes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered, looks, stop = asyncio.Queue[bytes](), asyncio.Queue[None](), asyncio.Event()
    look = QueueManager.fetch_jobs

    def counted(manager: QueueManager, *given: object) -> object:
        looks.put_nowait(None)
        return look(manager, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(QueueManager, "fetch_jobs", counted)
    consumer = Consumer(
        database_url,
        "00000000-0000-4000-8000-000000000001",
        {"greet": lambda payload, _: delivered.put(payload)},
        slots=2,
        drain_seconds=1.0,
    )
    with capture_logs() as logs:
        running = asyncio.create_task(consumer.run(stop))
        async with asyncio.timeout(60):
            while not probes:
                await _of(looks, running)
            for _ in range(3):  # after the probe was lost
                await _of(looks, running)
            await _enqueue(database_url, Message("greet", b"hello", "greet"))
            assert await _of(delivered, running) == b"hello"
            stop.set()
            await running
    assert probes == ["FailingListenerError"]
    assert [line["event"] for line in logs] == []


async def test_a_handler_is_told_how_often_its_message_was_handed_back_and_a_death_is_none_of_these(
    database_url: str,
) -> None:
    told, stop, worker_id = asyncio.Queue[int](), asyncio.Event(), "00000000-0000-4000-8000-000000000001"

    async def handle(_: bytes, handed_back: int) -> None:
        told.put_nowait(handed_back)
        if handed_back == 0:
            raise HandBackError
        if handed_back < 3:
            await asyncio.Event().wait()

    consumer = Consumer(database_url, worker_id, {"greet": handle}, slots=2, drain_seconds=0.1)
    connection = await asyncpg.connect(database_url)
    try:
        await _enqueue(database_url, Message("greet", b"hello", "greet"))
        running = asyncio.create_task(consumer.run(stop))
        async with asyncio.timeout(60):
            assert await _of(told, running) == 0
            assert await _of(told, running) == 1  # the handler has given it back
            await connection.execute(_LOSE)
            assert await _of(told, running) == 2  # the connection was lost
            stop.set()
            await running
            assert await connection.fetchval("SELECT attempts FROM pgqueuer") == 3  # the worker was stopped
            await connection.execute("UPDATE pgqueuer SET status = 'picked', queue_manager_id = $1", worker_id)
            await _requeue(database_url, worker_id)
            assert await connection.fetchval("SELECT attempts FROM pgqueuer WHERE status = 'queued'") == 3
    finally:
        await connection.close()


async def test_what_a_worker_held_when_the_database_went_away_counts_as_handed_back(database_url: str) -> None:
    told, stop, worker_id = asyncio.Queue[int](), asyncio.Event(), "00000000-0000-4000-8000-000000000001"

    async def handle(_: bytes, handed_back: int) -> None:
        told.put_nowait(handed_back)

    await _enqueue(database_url, Message("greet", b"hello", "greet"))
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE pgqueuer SET status = 'picked', queue_manager_id = $1", worker_id)
    await connection.close()
    running = asyncio.create_task(Consumer(database_url, worker_id, {"greet": handle}, 2, 1.0).run(stop))
    async with asyncio.timeout(60):
        assert await _of(told, running) == 1
        stop.set()
        await running


async def _of(things: "asyncio.Queue[Thing]", running: "asyncio.Task[None]") -> Thing:
    """The next thing of a queue, unless the consumer ends before."""
    getting = asyncio.ensure_future(things.get())
    await asyncio.wait({getting, running}, return_when=asyncio.FIRST_COMPLETED)
    if not getting.done():
        await running
        pytest.fail("the consumer has ended")
    return getting.result()


async def _enqueue(url: str, message: Message) -> None:
    database = Database.connect(url)
    try:
        async with database.transaction() as connection:
            await queue.enqueue(connection, [message])
    finally:
        await database.close()


async def _requeue(url: str, worker_id: str) -> None:
    database = Database.connect(url)
    try:
        async with database.transaction() as connection:
            assert await queue.requeue(connection, worker_id) == 1
    finally:
        await database.close()
