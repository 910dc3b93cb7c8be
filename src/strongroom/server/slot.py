"""A place that is always filled: one web or worker process, replaced when it dies, drained when it is told to go."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from strongroom.config import CannotRun
from strongroom.server.child import Child, end, give_orders, spawn
from strongroom.server.lifeline import READY, RENEW

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between a death and the next start
_LONG_LIFE = 30.0  # seconds; who lived that long is replaced at once

_log = structlog.stdlib.get_logger("strongroom.server")


@dataclass
class Slot:
    """``command`` is what the child runs, ``patience`` how long it may take to stop, in seconds.

    The first child waits for ``first_orders``, if they are to come, which also tell it to prepare the database.
    """

    command: str
    patience: float
    orders: asyncio.Future[dict[str, Any]]
    hurry: asyncio.Event
    descriptors: Sequence[int] = ()
    first_orders: asyncio.Future[dict[str, Any]] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _child: Child | None = None
    _prepared: asyncio.Event = field(default_factory=asyncio.Event)
    _proven: bool = False
    _told_to_go: bool = False

    async def keep(self) -> None:
        """Fill the place until cancelled; raises ``CannotRun`` when the first child ends before it is ready."""
        pause, replaces = _FIRST_PAUSE, None
        while True:
            worker_id, born = str(uuid.uuid4()), time.monotonic()
            code, said = await self._live(worker_id, replaces)
            if not self._proven:
                raise CannotRun(said or f"The {self._name} process ended with code {code} at its start.")
            if said == READY:
                # One that was never ready has taken no messages, and may not have given out those of the one before.
                replaces = worker_id
            if self._told_to_go or code == RENEW:
                self._told_to_go = False
                continue
            if time.monotonic() - born >= _LONG_LIFE:
                pause = _FIRST_PAUSE
            reason = {"reason": said} if said != READY else {}
            _log.error("a process died and is replaced", died=self._name, code=code, pause=pause, **reason)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def prepare(self, orders: dict[str, Any]) -> None:
        """Give the first child its orders, before those of all; returns when it has prepared the database."""
        assert self.first_orders
        self.first_orders.set_result(orders)
        await self._prepared.wait()

    async def recycle(self) -> None:
        """Let the child finish what it does and put a new one in its place; returns when that is ready."""
        if self._child and self.ready.is_set():
            self._told_to_go = True
            self.ready.clear()
            await end(self._child, self.patience, self.hurry)
            await self.ready.wait()

    async def close(self) -> None:
        """Stop the child; to be called when ``keep`` has been cancelled."""
        if self._child:
            code = await end(self._child, self.patience, self.hurry)
            _log.debug("a process has ended", ended=self._name, code=code)

    @property
    def _name(self) -> str:
        return self.command.strip("_")

    async def _live(self, worker_id: str, replaces: str | None) -> tuple[int, str]:
        child = self._child = await spawn(self.command, self.descriptors)
        telling = asyncio.ensure_future(self._tell(child, worker_id, replaces))
        try:
            code = await child.process.wait()
            return code, await child.report
        finally:
            telling.cancel()
            self.ready.clear()

    async def _tell(self, child: Child, worker_id: str, replaces: str | None) -> None:
        orders = await asyncio.shield(self.orders if self._proven else self.first_orders or self.orders)
        await give_orders(child, orders | {"worker_id": worker_id, "replaces": replaces})
        if self.first_orders and not self._proven:
            await child.prepared.wait()
            self._prepared.set()
        if await asyncio.shield(child.report) == READY:
            self._proven = True
            self.ready.set()
