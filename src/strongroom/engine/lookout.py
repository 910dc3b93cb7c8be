"""Looks once a second what there is to do, for all parts of a worker that would have to look for themselves else."""

import asyncio
from dataclasses import dataclass, field

import structlog

from strongroom.engine.rounds import pause
from strongroom.services import outlook
from strongroom.store.outlook import Outlook
from strongroom.vault import Vault

_EVERY = 1.0  # seconds

_log = structlog.get_logger(__name__)


@dataclass
class Lookout:
    """Those who wait for the next look. ``over``: there is no other one."""

    over: bool = False
    _waiting: "list[asyncio.Future[Outlook | None]]" = field(default_factory=list)

    async def run(self, vault: Vault, stop: asyncio.Event) -> None:
        """Look every second, and as soon as the next job is due, until ``stop`` is set."""
        while not stop.is_set():
            seconds = _EVERY
            try:
                found = await outlook.look(vault)
            except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next look tries again
                _log.exception("look_failed")
            else:
                self._tell(found)
                until = outlook.seconds_to_next(vault, found)
                seconds = _EVERY if until is None else min(_EVERY, until)
            await pause(stop, seconds)
        self.over = True
        self._tell(None)

    async def next(self) -> Outlook | None:
        """Wait for the next look; None if there is no other one."""
        if self.over:
            return None
        answer: asyncio.Future[Outlook | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        return await answer

    def _tell(self, found: Outlook | None) -> None:
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            if not answer.done():
                answer.set_result(found)
