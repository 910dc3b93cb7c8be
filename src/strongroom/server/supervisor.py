"""``strongroom serve``: the process that owns the data directory and keeps database, web and workers running."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from strongroom.config import CannotRun, Settings, to_orders
from strongroom.server import announcement, data_dir, listening, lock, logs, tls
from strongroom.server.database import RunningDatabase
from strongroom.server.listening import Listening
from strongroom.server.slot import Slot

WEB_PATIENCE = 5.0  # seconds that open requests get at a stop
_MARGIN = 5.0  # seconds that a child gets beyond its patience before it is killed

_log = structlog.stdlib.get_logger("strongroom.server")


def serve(settings: Settings, announce: Callable[[str], None]) -> int:
    """Run a server until SIGTERM or SIGINT; the exit code is 0 after a clean stop, 1 after a hurried one.

    ``announce`` is called once with ``ready URL``. Raises ``CannotRun`` with a sentence when it cannot start.
    """
    logs.configure(settings.log_level, "serve")
    with data_dir.opened(settings) as folder, lock.held(folder):
        settings = settings.model_copy(update={"data_dir": folder})
        with contextlib.closing(listening.listen(settings.host, settings.port)) as listener:
            return asyncio.run(_supervise(settings, listener, announce))


@dataclass(frozen=True)
class _Wishes:
    """What the signals ask for."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class _Crew:
    """The processes of the server. They are started at once, to load their code, and wait for ``orders``.

    The first prepares the database before. A process of its own would load the same code once more for that.
    """

    orders: asyncio.Future[dict[str, Any]]
    web: tuple[Slot, ...]
    workers: tuple[Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.workers, *self.web)


async def _supervise(settings: Settings, listener: Listening, announce: Callable[[str], None]) -> int:
    wishes = _hear_signals()
    crew = _crew(settings, listener, wishes)
    database = RunningDatabase(settings)
    running = asyncio.ensure_future(_run(settings, listener, crew, database, wishes, announce))
    stopping = asyncio.ensure_future(wishes.stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        ended = running.done()
        running.cancel()
        await asyncio.wait({running})
        await asyncio.gather(*(slot.close() for slot in crew.slots))
        await database.stop()
        announcement.withdraw(settings.data_dir)
    if ended:
        running.result()
    _log.info("stopped")
    return 1 if wishes.hurry.is_set() else 0


async def _run(
    settings: Settings,
    listener: Listening,
    crew: _Crew,
    database: RunningDatabase,
    wishes: _Wishes,
    announce: Callable[[str], None],
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for slot in crew.slots:
                group.create_task(slot.keep())
            await _start(settings, listener, crew, database)
            _announce(settings, listener, announce)
            group.create_task(database.keep())
            group.create_task(_reload(crew.workers, wishes))
    except BaseExceptionGroup as failures:
        refusals = failures.subgroup(CannotRun)
        raise (refusals.exceptions[0] if refusals else failures) from failures


async def _start(settings: Settings, listener: Listening, crew: _Crew, database: RunningDatabase) -> None:
    certificate = _certificate(settings)
    settled = {"database_url": await database.start(), "port": listener.port, "limit_counts": settings.counted_in}
    alone, settings = settings.database_url is None, settings.model_copy(update=settled)
    sockets = [each.fileno() for each in listener.sockets]
    orders = {"settings": to_orders(settings), "certificate": certificate, "sockets": sockets}
    preparing = {"preparing": to_orders(settings, first_start=True), "alone": alone}
    await crew.slots[0].prepare(orders | preparing)
    crew.orders.set_result(orders)
    for slot in crew.slots:
        await slot.ready.wait()


def _announce(settings: Settings, listener: Listening, announce: Callable[[str], None]) -> None:
    url = listening.address_of(settings, listener.port)
    authority = tls.certificate_authority(settings.data_dir) if settings.tls else None
    announcement.announce(settings.data_dir, url=url, authority=authority, admin_user=settings.admin_user)
    announce(f"ready {url}/")


async def _reload(workers: tuple[Slot, ...], wishes: _Wishes) -> None:
    while True:
        await wishes.reload.wait()
        wishes.reload.clear()
        for slot in workers:
            await slot.recycle()
        _log.info("the workers are new", workers=len(workers))


def _crew(settings: Settings, listener: Listening, wishes: _Wishes) -> _Crew:
    orders: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    sockets = [each.fileno() for each in listener.sockets]
    web = (Slot("_web", WEB_PATIENCE + _MARGIN, orders, wishes.hurry, sockets) for _ in range(settings.web))
    worker_patience = settings.drain_seconds + _MARGIN
    workers = (Slot("_worker", worker_patience, orders, wishes.hurry) for _ in range(settings.workers))
    crew = _Crew(orders, tuple(web), tuple(workers))
    crew.slots[0].first_orders = asyncio.get_running_loop().create_future()
    return crew


def _certificate(settings: Settings) -> str | None:
    if not settings.tls:
        return None
    return str(tls.certificate(settings.data_dir, listening.names_of(settings)).chain)


def _hear_signals() -> _Wishes:
    wishes, on_terminal = _Wishes(), _has_terminal()

    def stop() -> None:
        (wishes.hurry if wishes.stop.is_set() else wishes.stop).set()

    def hang_up() -> None:
        # A terminal that is closed says the same as an operator who wants new workers.
        (stop if on_terminal and not _has_terminal() else wishes.reload.set)()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    return wishes


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
