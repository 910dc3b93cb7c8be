"""Plain ``def`` code: its threads, and the bridge from them to async services."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.config import Settings
from strongroom.sdk import StoppedError
from strongroom.sdk.bridge import Bridge
from strongroom.sdk.threads import CodeExitedError, abandoned, in_thread
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def test_it_gives_what_the_function_gives_or_raises() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)
    with pytest.raises(CodeExitedError, match="KeyboardInterrupt"):
        await in_thread(interrupted)
    assert await in_thread(lambda: threading.current_thread().daemon) is True


def interrupted() -> None:
    raise KeyboardInterrupt


async def test_who_is_cancelled_does_not_wait_for_the_thread() -> None:
    begun, goes_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def stubborn() -> None:
        loop.call_soon_threadsafe(begun.set)
        goes_on.wait(60)

    waiting = asyncio.create_task(in_thread(stubborn))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (left,) = abandoned()
    goes_on.set()
    left.join(60)
    assert abandoned() == []


async def test_the_bridge_leads_to_services_and_is_closed_with_the_step(vault: Vault) -> None:
    written: list[str] = []

    async def write(text: str) -> None:
        written.append(text)

    async def whose(vault: Vault, greeting: str) -> str:
        await asyncio.sleep(0)
        return f"{greeting}, {vault.user.name}"

    async def counted(_vault: Vault, up_to: int) -> AsyncIterator[int]:
        for number in range(up_to):
            yield number

    def code() -> tuple[str, list[int]]:
        bridge.log("begins")
        return bridge.call(whose, greeting="Hello"), list(bridge.call(counted, 3))

    bridge = Bridge(vault, write)
    assert await in_thread(code) == ("Hello, admin@localhost", [0, 1, 2])
    with pytest.raises(RuntimeError, match="awaits a service itself"):
        bridge.call(whose, "Hello")
    bridge.log("ends")
    await bridge.close()
    assert "\n".join(written) == "begins\nends"
    for deed in (lambda: bridge.log("late"), code):
        with pytest.raises(CodeExitedError, match="This step of the job is over"):
            await in_thread(deed)
    assert "late" not in written


async def test_code_that_waits_for_a_service_is_stopped_when_the_step_is_over(vault: Vault) -> None:
    begun = asyncio.Event()
    ended: list[BaseException] = []

    async def endless(_vault: Vault) -> None:
        begun.set()
        await asyncio.Event().wait()

    def code() -> None:
        try:
            bridge.call(endless)
        except BaseException as error:
            ended.append(error)
            raise

    async def write(_text: str) -> None: ...

    bridge = Bridge(vault, write)
    working = asyncio.create_task(in_thread(code))
    await begun.wait()
    await bridge.close()
    with pytest.raises(CodeExitedError):
        await working
    assert isinstance(ended[0], StoppedError)


def test_the_jobs_folder_is_the_one_that_is_set_or_that_of_the_data_directory(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).jobs_folder is None
    (tmp_path / "jobs").mkdir()
    assert Settings(data_dir=tmp_path).jobs_folder == tmp_path / "jobs"
    assert Settings(data_dir=tmp_path, jobs_dir=tmp_path).jobs_folder == tmp_path
