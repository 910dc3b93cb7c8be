"""Threads of plain ``def`` code: one for each call, none of which can keep the process alive."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")

_WORKING, _ABANDONED = "job code", "abandoned job code"


class CodeExitedError(Exception):
    """A job's code tried to end the process, or let StopIteration out, which no coroutine can pass on."""


async def in_thread(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function in a thread of its own. Who cancels this abandons the thread: nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = context.run(function, *args)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told to who waits
            _tell(loop, _fail, answer, _passable(error))
        else:
            _tell(loop, _succeed, answer, result)

    thread = threading.Thread(target=run, name=_WORKING, daemon=True)
    thread.start()
    try:
        return await answer
    except asyncio.CancelledError:
        thread.name = _ABANDONED
        raise


def abandoned() -> list[threading.Thread]:
    """The threads that go on though nobody waits for them any more."""
    return [thread for thread in threading.enumerate() if thread.name == _ABANDONED]


def _tell(loop: asyncio.AbstractEventLoop, deed: Callable[..., None], *args: Any) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(deed, *args)


def _succeed(answer: asyncio.Future[Result], result: Result) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _passable(error: BaseException) -> Exception:
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    told = CodeExitedError(f"The job's code raised {type(error).__name__}: {error}".rstrip(": "))
    told.__cause__ = error
    return told
