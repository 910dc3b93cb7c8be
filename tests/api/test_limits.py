"""The limits of the API in their three modes, counted by one web process or by several: calls, logins, status polls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Self

import asyncpg
import httpx
import pytest
from tests.api.http_server import client_of, logged_in, serving
from tests.api.kind_for_tests import Greeting

from strongroom.api.app import application
from strongroom.api.bursts import Bursts
from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ME = "/api/v26.1/objects/users/me"
JOBS = "/api/v26.1/services/jobs"
GREET = "/api/v26.1/rooms/kitchen/actions/greet"
DEADLINE = 60.0
counted_everywhere = pytest.mark.parametrize("where", ["memory", "database"])
Limited = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture
def limited(system_vault: Vault) -> Limited:
    """Serve the Vault as one web process with these settings does; gives the port."""

    @asynccontextmanager
    async def serve(**settings: object) -> AsyncIterator[int]:
        vault = replace(system_vault, settings=system_vault.settings.model_copy(update={"limits": "exact"} | settings))
        async with serving(application(vault, {"greeting": Greeting()})) as port:
            yield port

    return serve


def left(reply: httpx.Response) -> int:
    return int(reply.headers["X-VaultAPI-BurstLimitRemaining"])


def limit(reply: httpx.Response) -> int:
    return int(reply.headers["X-VaultAPI-BurstLimit"])


def delayed(reply: httpx.Response) -> bool:
    """Whether a reply says that it was delayed, and then it must have been."""
    if "X-VaultAPI-ResponseDelay" not in reply.headers:
        return False
    assert int(reply.headers["X-VaultAPI-ResponseDelay"]) == 500
    assert reply.elapsed.total_seconds() >= 0.5
    return True


def succeeded(reply: httpx.Response) -> bool:
    assert reply.status_code == 200
    return bool(reply.json()["responseStatus"] == "SUCCESS")


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def rows(database_url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement)
        return found
    finally:
        await connection.close()


async def counted(database_url: str, calls: int) -> bool:
    """Whether so many calls stand in the database."""
    return [row["calls"] for row in await rows(database_url, "SELECT max(calls) AS calls FROM call_counts")] == [calls]


@counted_everywhere
@pytest.mark.parametrize(("mode", "shown"), [("exact", 2000), ("scaled", 20000)])
async def test_each_call_says_what_is_left(limited: Limited, where: str, mode: str, shown: int) -> None:
    async with limited(limits=mode, limit_counts=where) as port, logged_in(port) as http:
        replies = [await http.get(ME), await http.get(ME), await http.get("/nothing")]
        assert [limit(reply) for reply in replies] == [shown] * 3
        assert [left(reply) for reply in replies] == [shown - 2, shown - 3, shown - 4]
        assert not any(delayed(reply) for reply in replies)


@counted_everywhere
async def test_calls_above_the_limit_are_delayed_and_not_refused(limited: Limited, where: str) -> None:
    async with limited(burst_limit=3, limit_counts=where) as port, logged_in(port) as http:
        replies = [await http.get(ME) for _ in range(4)]
        assert [left(reply) for reply in replies] == [1, 0, 0, 0]
        assert [delayed(reply) for reply in replies] == [False, False, True, True]
        assert all(succeeded(reply) for reply in replies)
        unknown = await http.get("/nothing")
        assert (unknown.status_code, delayed(unknown)) == (404, True)


async def test_without_limits_nothing_is_counted(limited: Limited, database_url: str) -> None:
    async with limited(limits="off", burst_limit=1, auth_burst_limit=1, limit_counts="database") as port:
        async with logged_in(port) as http, logged_in(port) as again:
            replies = [await http.get(ME), await again.get(ME), await http.get(ME)]
            job_id = (await http.post(GREET)).json()["job_id"]
            polls = [await http.get(f"{JOBS}/{job_id}") for _ in range(3)]
        assert [(limit(reply), left(reply), delayed(reply)) for reply in replies] == [(1, 1, False)] * 3
        assert all(succeeded(reply) for reply in polls)
    assert await rows(database_url, "SELECT 1 FROM call_counts UNION ALL SELECT 1 FROM job_polls") == []


async def test_what_several_web_processes_count_adds_up(limited: Limited) -> None:
    settings = {"burst_limit": 30, "limit_counts": "database"}
    async with limited(**settings) as one, limited(**settings) as two, logged_in(one) as first, logged_in(two) as other:
        made = 2

        async def all_are_known_to(client: httpx.AsyncClient) -> bool:
            nonlocal made
            made += 1  # each look is a call, too
            return left(await client.get(ME)) == max(30 - made, 0)

        for _ in range(12):
            await first.get(ME)
            made += 1
        await eventually(lambda: all_are_known_to(other))
        await eventually(lambda: all_are_known_to(first))
        assert made <= 30
        for _ in range(30 - made):
            await first.get(ME)

        async def is_slow() -> bool:
            return delayed(await other.get(ME))

        await eventually(is_slow)
        assert delayed(await first.get(ME))


async def test_the_first_call_after_a_pause_knows_what_others_have_counted(limited: Limited, database_url: str) -> None:
    settings = {"burst_limit": 100, "limit_counts": "database"}
    async with limited(**settings) as one, limited(**settings) as two, logged_in(one) as first, logged_in(two) as other:
        for _ in range(40):
            await first.get(ME)
        await eventually(lambda: counted(database_url, 42))
        await asyncio.sleep(0.3)  # the pause
        assert left(await other.get(ME)) == 100 - 43


@pytest.mark.parametrize("shared", [False, True])
async def test_a_window_ends_and_the_next_begins(vault: Vault, shared: bool) -> None:
    bursts = Bursts(2, counting=True, shared=shared, window=1.0)
    try:
        assert [(await bursts.count(vault)).remaining for _ in range(3)] == [1, 0, 0]
        seen = []

        async def is_over() -> bool:
            seen.append(await bursts.count(vault))
            return not seen[-1].exceeded

        await eventually(is_over)
        assert seen[-1].remaining == 1
    finally:
        await bursts.close()


async def test_a_count_that_cannot_be_written_refuses_nobody(limited: Limited, database_url: str) -> None:
    async with limited(limit_counts="database") as port, logged_in(port) as http:
        blocker = await asyncpg.connect(database_url)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE call_counts IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(0.3)  # so long that the next call asks at once, and waits
            held = await asyncio.gather(*(http.get(ME) for _ in range(5)))
            assert all(succeeded(reply) for reply in held)
            assert min(left(reply) for reply in held) == 2000 - 6
        await blocker.close()
        await eventually(lambda: counted(database_url, 6))


async def test_a_delayed_call_holds_no_connection(limited: Limited, vault: Vault) -> None:
    async with limited(burst_limit=1) as port, logged_in(port) as http:
        calls = [asyncio.create_task(http.get(ME)) for _ in range(3)]
        held = []
        while not any(call.done() for call in calls):
            held.append(vault.database.engine.pool.status())
            await asyncio.sleep(0.01)
        assert any("Checked out connections: 0" in each for each in held[-5:]), held
        assert all(delayed(reply) for reply in await asyncio.gather(*calls))


async def test_clients_that_leave_while_they_are_delayed_leave_nothing_behind(limited: Limited, vault: Vault) -> None:
    async with limited(burst_limit=1) as port, logged_in(port) as http:
        head = (
            f"GET {ME} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {http.headers['Authorization']}\r\n\r\n".encode()
        )
        await http.get(ME)
        before = len(asyncio.all_tasks())
        for _ in range(30):  # more than the pool has connections
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            await writer.drain()
            writer.transport.abort()

        async def nothing_runs() -> bool:
            return len(asyncio.all_tasks()) <= before

        await eventually(nothing_runs)
        assert delayed(await http.get(ME))
        assert "Checked out connections: 0" in vault.database.engine.pool.status()


class Door:
    """Where people log in: what a login is answered with, in a word, and whether it was delayed."""

    def __init__(self, port: int) -> None:
        self.http = client_of(port)
        self.last: httpx.Response | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def log_in(
        self, name: str = "admin@localhost", password: str = "a password for tests", host: str = ""
    ) -> str:
        headers = {"Host": host} if host else {}
        self.last = await self.http.post(
            "/api/v26.1/auth", data={"username": name, "password": password}, headers=headers
        )
        body = self.last.json()
        if succeeded(self.last):
            return "slow" if delayed(self.last) else "in"
        assert body["errorType"] == "AUTHENTICATION_FAILED"
        kind: str = body["errors"][0]["type"]
        return kind

    def said(self) -> str:
        assert self.last is not None
        message: str = self.last.json()["errors"][0]["message"]
        return message


async def test_logins_are_slowed_down_and_then_refused(limited: Limited, database_url: str) -> None:
    async with limited(auth_burst_limit=4) as port, Door(port) as door:
        assert [await door.log_in() for _ in range(6)] == ["in", "in", "slow", "slow", *["API_LIMIT_EXCEEDED"] * 2]
        assert door.last is not None
        assert delayed(door.last)
        words = door.said().split()
        assert "[admin@localhost]" in words
        assert 0 < int(words[words.index("Wait") + 1]) <= 60
        assert "--limits off" in door.said()
        # What is refused is not looked at: a wrong password is no failure then.
        assert await door.log_in(password="wrong") == "API_LIMIT_EXCEEDED"
        assert await rows(database_url, "SELECT 1 FROM login_failures") == []
        await rows(database_url, "UPDATE call_counts SET ends = clock_timestamp()")
        assert await door.log_in() == "in"


async def test_logins_are_counted_by_user_name_and_dns(limited: Limited) -> None:
    async with limited(auth_burst_limit=2, dns=("vault.test",)) as port, Door(port) as door:
        for host in ("127.0.0.1:1", "vault.test", "localhost"):
            assert await door.log_in(host=host) == "in", host
        assert await door.log_in("ADMIN@localhost", host="Vault.Test:8443") == "slow"
        assert await door.log_in(host="VAULT.test:443") == "API_LIMIT_EXCEEDED"
        assert await door.log_in(host="localhost:8443") == "slow"
        assert await door.log_in("somebody", "else", host="vault.test") == "USERNAME_OR_PASSWORD_INCORRECT"
        assert await door.log_in("admin@localhost ", host="[::1]:8443") == "USERNAME_OR_PASSWORD_INCORRECT"
        # Who makes up a name of the server for each login is counted all the same.
        told = [await door.log_in(host=f"{number}.invalid") for number in range(3)]
        assert told == ["in", "slow", "API_LIMIT_EXCEEDED"]


async def test_a_locked_out_name_is_told_so_until_it_has_tried_too_often(limited: Limited, database_url: str) -> None:
    async with limited(auth_burst_limit=12) as port, Door(port) as door:
        told = [await door.log_in(password="wrong") for _ in range(10)] + [await door.log_in() for _ in range(3)]
        assert told == [
            *["USERNAME_OR_PASSWORD_INCORRECT"] * 10,
            *["USER_LOCKED_OUT"] * 2,
            "API_LIMIT_EXCEEDED",
        ]
        await rows(database_url, "UPDATE call_counts SET ends = clock_timestamp()")
        assert await door.log_in() == "USER_LOCKED_OUT"


async def test_ten_times_as_many_logins(limited: Limited) -> None:
    async with limited(limits="scaled", auth_burst_limit=1) as port, Door(port) as door:
        assert [await door.log_in() for _ in range(6)] == ["in"] * 5 + ["slow"]


async def test_several_web_processes_count_the_same_logins(limited: Limited) -> None:
    async with limited(auth_burst_limit=2) as one, limited(auth_burst_limit=2) as two, Door(one) as a, Door(two) as b:
        assert [await each.log_in() for each in (a, b, a)] == ["in", "slow", "API_LIMIT_EXCEEDED"]


async def test_what_is_no_login_is_not_counted_as_one(limited: Limited) -> None:
    async with limited(auth_burst_limit=3) as port, Door(port) as door:
        assert [await door.log_in(password="") for _ in range(3)] == ["NO_PASSWORD_PROVIDED"] * 3
        assert [await door.log_in(name="") for _ in range(3)] == ["PARAMETER_REQUIRED"] * 3
        async with logged_in(port) as http:
            checks = [await http.get(path) for path in ("/api/v26.1", ME, "/api") * 2]
            assert all(succeeded(reply) and not delayed(reply) for reply in checks)
        assert await door.log_in() == "in"


@counted_everywhere
@pytest.mark.parametrize(("mode", "period"), [("exact", 10), ("scaled", 1)])
async def test_one_poll_per_period(limited: Limited, where: str, mode: str, period: int) -> None:
    """Two clients, two servers of one Vault where they count together: one period for all of them."""
    settings = {"limits": mode, "limit_counts": where}
    async with limited(**settings) as one, limited(**settings) as two:
        ports = (one, two if where == "database" else one)
        async with logged_in(ports[0]) as first, logged_in(ports[1]) as second:
            job_id, other = [(await first.post(GREET)).json()["job_id"] for _ in range(2)]
            replies = await asyncio.gather(*(client.get(f"{JOBS}/{job_id}") for client in (first, second) * 3))
            assert sorted(succeeded(reply) for reply in replies) == [False] * 5 + [True]
            (error,) = next(reply.json()["errors"] for reply in replies if not succeeded(reply))
            assert error["type"] == "API_LIMIT_EXCEEDED"
            assert f"the status of job [{job_id}] may be read once in {period} s" in error["message"]
            assert "--limits off" in error["message"]
            words = error["message"].split()
            assert 0 < float(words[words.index("Wait") + 1]) <= period
            assert succeeded(await second.get(f"{JOBS}/{other}"))
            assert succeeded(await second.get(f"{JOBS}/{job_id}/tasks"))
            if mode == "scaled":
                await asyncio.sleep(1.0)  # what a client does that waits for exactly the period
                assert succeeded(await second.get(f"{JOBS}/{job_id}"))
                assert not succeeded(await first.get(f"{JOBS}/{job_id}"))


@counted_everywhere
async def test_a_call_that_is_refused_for_another_reason_opens_no_period(
    limited: Limited, vault: Vault, database_url: str, where: str
) -> None:
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", password="open sesame"))
    async with limited(limit_counts=where) as port, logged_in(port) as http:
        job_id = (await http.post(GREET)).json()["job_id"]
        async with logged_in(port, "nora@acme.example", "open sesame") as nora:
            for path in (f"{JOBS}/{job_id}", f"{JOBS}/424242"):
                assert (await nora.get(path)).json()["errors"][0]["type"] != "API_LIMIT_EXCEEDED"
        assert succeeded(await http.get(f"{JOBS}/{job_id}"))
        assert not succeeded(await http.get(f"{JOBS}/{job_id}"))
    kept = await rows(database_url, "SELECT job_id FROM job_polls")
    assert [row["job_id"] for row in kept] == ([int(job_id)] if where == "database" else [])
