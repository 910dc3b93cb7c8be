"""The bridge between a job's code, which may be plain ``def`` in a thread, and the services, which are async."""

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from strongroom.vault import Vault

Answer = TypeVar("Answer")
Item = TypeVar("Item")

# Code in a thread that logs faster than lines can be written waits when so many are under way.
_MANY_LINES = 1000
_END: Any = object()


class StoppedError(BaseException):
    """The job was ended, or its step is over: code that goes on is stopped by this at its next use of the context.

    No ``Exception``, so that code which catches those is stopped as well.
    """


@dataclass
class Bridge:
    """One step of a job's code: what it calls runs on the loop, with the Vault as the job's owner sees it.

    ``at_once``: lines are written while the step goes on, and not only when it is over.
    """

    vault: Vault
    write: Callable[[str], Awaitable[None]]
    at_once: bool = True
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    home: int = field(default_factory=threading.get_ident)
    closed: bool = False
    pending: "set[Future[Any]]" = field(default_factory=set)
    closing: threading.Lock = field(default_factory=threading.Lock)
    lines: deque[str] = field(default_factory=deque)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    flushing: "set[asyncio.Task[None]]" = field(default_factory=set)

    def call(self, service: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call an async service from plain ``def`` code and wait; what a stream gives is given as an iterator."""
        if inspect.isasyncgenfunction(service):
            return self.iterate(service(self.vault, *args, **named))
        return self.wait_for(lambda: service(self.vault, *args, **named))

    def wait_for(self, deed: Callable[[], Awaitable[Answer]]) -> Answer:
        """Have something done on the loop, and wait in this thread until it is."""
        if threading.get_ident() == self.home:
            raise RuntimeError("Code in async def awaits a service itself: await service(context.vault, ...).")

        async def do() -> Answer:
            self.check()
            return await deed()

        with self.closing:  # what is begun while the step is closed would be waited for for ever
            self.check()
            waiting = asyncio.run_coroutine_threadsafe(do(), self.loop)
            self.pending.add(waiting)
        try:
            return waiting.result()
        finally:
            self.pending.discard(waiting)
            self.check()

    def iterate(self, items: AsyncIterator[Item]) -> Iterator[Item]:
        """Go through an async iterator in this thread."""
        try:
            while (item := self.wait_for(lambda: anext(items, _END))) is not _END:
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None and not self.closed:
                self.wait_for(close)

    def log(self, text: str) -> None:
        """Have a line written to the job's log; it is there a moment later, or when the step is over."""
        self.check()
        self.lines.append(str(text).replace("\0", "\\0"))
        if not self.at_once:
            return
        if threading.get_ident() == self.home:
            self._flush_soon()
            return
        self.loop.call_soon_threadsafe(self._flush_soon)
        if len(self.lines) > _MANY_LINES:
            self.wait_for(self.flush)

    async def flush(self) -> None:
        """Write the lines that have not been written yet."""
        async with self.writing:
            count = len(self.lines)  # a thread may add to them meanwhile
            if count:
                await self.write("\n".join(islice(list(self.lines), count)))
            for _ in range(count):
                self.lines.popleft()

    def check(self) -> None:
        """Stop code that goes on after its end."""
        if self.closed:
            raise StoppedError("This step of the job is over: its context cannot be used any more.")

    async def close(self) -> None:
        """End the step: what was logged is written, and whoever still uses the context is stopped."""
        with self.closing:
            self.closed = True
            pending = list(self.pending)
        for waiting in pending:
            waiting.cancel()
        await self.flush()

    def _flush_soon(self) -> None:
        if self.lines and not self.flushing:
            task = asyncio.create_task(self._flush_quietly())
            self.flushing.add(task)
            task.add_done_callback(self.flushing.discard)

    async def _flush_quietly(self) -> None:
        with suppress(Exception):  # the lines stay, and the end of the step says what is wrong
            await self.flush()
