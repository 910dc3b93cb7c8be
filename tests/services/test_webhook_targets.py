"""Names of hosts to which webhooks lead: looked up, judged by what they stand for, and not by too many at a time."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from strongroom.domain.errors import InvalidData
from strongroom.domain.webhook import NewWebhook
from strongroom.services import webhook_targets, webhooks
from strongroom.store import names
from strongroom.store.names import Names
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

SECRET = "a-secret-between-two"
NEW = NewWebhook("https://slow.example/hook", SECRET)


class NameServer:
    """Says nothing until it is let go. ``asked``: by how many threads."""

    def __init__(self) -> None:
        self.asked = 0
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def ask(self, _host: str, _port: int) -> list[str]:
        with self._lock:
            self.asked += 1
        self.let_go.wait()
        return ["8.8.8.8"]


async def test_names_are_looked_up(vault: Vault) -> None:
    strict = vault.settings.model_copy(update={"webhook_private": False})
    known = {"public.example": ["8.8.8.8", "2606:4700::1"], "mixed.example": ["8.8.8.8", "10.0.0.1"]}

    async def look(host: str, port: int) -> list[str]:
        if host not in known:
            raise OSError("no such name")
        return known[host]

    await webhook_targets.check(strict, NewWebhook("https://public.example/x", SECRET), look)
    with pytest.raises(InvalidData, match=r"mixed\.example stands for the address 10\.0\.0\.1"):
        await webhook_targets.check(strict, NewWebhook("https://mixed.example/x", SECRET), look)
    with pytest.raises(InvalidData, match=r"the host \[unknown\.example\] is not known"):
        await webhook_targets.check(strict, NewWebhook("https://unknown.example/x", SECRET), look)


async def test_a_name_server_that_is_silent_holds_so_many_threads_of_a_process_and_no_more(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks, and however often: a look-up that was given up holds its thread for as long as it takes."""
    monkeypatch.setattr(webhook_targets, "SECONDS", 0.5)
    server = NameServer()
    process = replace(vault, names=Names(server.ask))
    try:
        for _ in range(2):
            callers = [process.as_user(process.user) for _ in range(names.AT_ONCE + 10)]
            made = await asyncio.gather(*(webhooks.create(each, NEW) for each in callers), return_exceptions=True)
            assert all(isinstance(each, InvalidData) and "is not known" in each.message for each in made)
            assert 0 < server.asked <= names.AT_ONCE
    finally:
        server.let_go.set()
    await until_known(process)


async def until_known(vault: Vault) -> None:
    """Try until the threads that were held are there for others."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await webhooks.create(vault, NEW)
        except InvalidData:
            assert time.monotonic() < deadline
        else:
            return
