"""One statement for all who want the same at the same moment, instead of one each.

What is asked while a statement is under way waits for it and is then done together by the next one. A caller that is
alone waits for nobody. So a thousand readers of job statuses, or a thousand tasks that end, cost a few statements.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from strongroom.store.passing import is_passing

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Deed = Callable[[AsyncConnection, Sequence[Asked]], Awaitable[Sequence[Answer]]]
"""Does something for several at once; gives one answer for each, in their order. Known by its identity."""

_Entry = tuple[Any, "asyncio.Future[Any]"]

_MOST = 100  # that are done by one call of a deed


@dataclass
class Together:
    """Those who wait, by the deed that they want."""

    opened: Callable[[], AbstractAsyncContextManager[AsyncConnection]]
    waiting: dict[Deed[Any, Any], list[_Entry]] = field(default_factory=dict)
    rounds: set["asyncio.Task[None]"] = field(default_factory=set)

    async def do(self, deed: Deed[Asked, Answer], asked: Asked) -> Answer:
        """Have ``deed`` done for ``asked``, and for all others who want it now; gives the answer for ``asked``."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue = self.waiting.get(deed)
        if queue is None:
            self.waiting[deed] = [(asked, answer)]
            task = asyncio.create_task(self._serve(deed))
            self.rounds.add(task)
            task.add_done_callback(self.rounds.discard)
        else:
            queue.append((asked, answer))
        return await answer

    async def close(self) -> None:
        """Wait until nobody waits."""
        await asyncio.gather(*self.rounds, return_exceptions=True)

    async def _serve(self, deed: Deed[Any, Any]) -> None:
        try:
            while queue := self.waiting[deed]:
                self.waiting[deed] = queue[_MOST:]
                if entries := [entry for entry in queue[:_MOST] if not entry[1].done()]:
                    await self._round(deed, entries)
        finally:
            # Nobody is left waiting for a round that does not come: a server that stops may cancel this one.
            for _, answer in self.waiting.pop(deed):
                answer.cancel()

    async def _round(self, deed: Deed[Any, Any], entries: list[_Entry]) -> None:
        try:
            async with self.opened() as connection:
                answers = await deed(connection, [asked for asked, _ in entries])
            assert len(answers) == len(entries), f"{deed} must give one answer for each"
        except Exception as error:  # noqa: BLE001 - it belongs to those who asked
            await self._fail(deed, entries, error)
        except BaseException:
            for _, answer in entries:
                answer.cancel()
            raise
        else:
            for (_, answer), value in zip(entries, answers, strict=True):
                if not answer.done():
                    answer.set_result(value)

    async def _fail(self, deed: Deed[Any, Any], entries: list[_Entry], error: Exception) -> None:
        if len(entries) > 1 and not is_passing(error):
            # It is the fault of one of them, and the others shall not suffer for it.
            for entry in entries:
                await self._round(deed, [entry])
            return
        for _, answer in entries:
            if not answer.done():
                answer.set_exception(error)
