"""What the handlers of one worker do at the moment: each can be handed back, or ended before it ends by itself."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

import structlog

_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Work:
    """A message that is worked on. ``over`` is done when the handler need not wait any longer."""

    payload: bytes
    doing: "asyncio.Task[None]"
    over: "asyncio.Future[None]"
    stopped: bool = False


@dataclass
class Works:
    """``going_on``: what handlers wait for. ``left``: abandoned code that still runs, and since when (monotonic)."""

    going_on: set[Work] = field(default_factory=set)
    left: dict["asyncio.Task[None]", float] = field(default_factory=dict)
    time_is_up: bool = False

    async def do(self, payload: bytes, deed: Coroutine[None, None, None]) -> Work:
        """Work on a message until that is done, or nobody wants it any more; gives what came of it."""
        doing = asyncio.create_task(deed)
        work = Work(payload, doing, asyncio.get_running_loop().create_future())
        doing.add_done_callback(lambda _: _end(work))
        self.going_on.add(work)
        try:
            await work.over
        finally:
            self.going_on.discard(work)
        return work

    def hurry(self, patience: float) -> None:
        """Have all handlers give their messages back, at the latest after so many seconds."""
        self.time_is_up = True
        for work in self.going_on:
            self._cancel(work, patience)

    def stop(self, work: Work, patience: float) -> None:
        """Cancel what is done for a message; code that goes on for ``patience`` seconds more is left to itself."""
        if not work.stopped:
            work.stopped = True
            self._cancel(work, patience)

    def _cancel(self, work: Work, patience: float) -> None:
        work.doing.cancel()
        asyncio.get_running_loop().call_later(patience, self._abandon, work)

    def _abandon(self, work: Work) -> None:
        if work.doing.done() or work.doing in self.left:
            return
        _log.warning("code_abandoned", message=work.payload.decode(errors="replace"))
        self.left[work.doing] = time.monotonic()
        work.doing.add_done_callback(self._forget)
        _end(work)

    def _forget(self, doing: "asyncio.Task[None]") -> None:
        del self.left[doing]


def _end(work: Work) -> None:
    if work.doing.done() and not work.doing.cancelled():
        work.doing.exception()  # noted as asked for: of what was stopped or abandoned nobody else wants to know
    if not work.over.done():
        work.over.set_result(None)
