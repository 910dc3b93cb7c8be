"""Those who watch jobs over HTTP, and what tests do to the jobs that are watched."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from strongroom.domain.job import JobStatus
from strongroom.store import job_tasks
from strongroom.store import jobs as rows
from strongroom.store.job_tasks import LogEntry
from strongroom.vault import Vault

JOBS = "/api/v26.1/services/jobs"
GREET = "/api/v26.1/rooms/kitchen/actions/greet"
PATIENCE = 60.0

_LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


@dataclass(frozen=True)
class Sent:
    """One event of a stream; a comment has no name."""

    name: str
    id: str
    data: Any


@dataclass
class Stream:
    """An open event stream."""

    reply: httpx.Response
    events: AsyncIterator[Sent]

    async def next(self, *names: str) -> Sent:
        """The next event, or the next of these names."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await anext(self.events)
                if not names or event.name in names:
                    return event

    async def rest(self) -> list[Sent]:
        """All events up to the end of the stream."""
        async with asyncio.timeout(PATIENCE):
            return [event async for event in self.events]


@asynccontextmanager
async def following(http: httpx.AsyncClient, job_id: int, **headers: str) -> AsyncIterator[Stream]:
    """Open the event stream of a job for as long as the block lasts."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.stream("GET", f"{JOBS}/{job_id}/events", headers=named) as reply:
        yield Stream(reply, _events(reply))


async def started(http: httpx.AsyncClient) -> int:
    """A job that nobody works on."""
    job_id: int = (await http.post(GREET)).json()["job_id"]
    return job_id


async def moved(vault: Vault, job_id: int, *statuses: JobStatus) -> None:
    """Move a job in one transaction, so that all changes are told at the same moment."""
    async with vault.database.transaction() as connection:
        for status in statuses:
            values = {"run_end_date": vault.clock.now()} if status.is_terminal else {}
            assert await rows.move(connection, job_id, status, values) is not None


async def logged(vault: Vault, job_id: int, *texts: str) -> None:
    """Write entries of a job's log."""
    async with vault.database.transaction() as connection:
        await job_tasks.add_log(connection, [entry(vault, job_id, text) for text in texts])


def entry(vault: Vault, job_id: int, text: str) -> LogEntry:
    return LogEntry(job_id, vault.clock.now(), text)


async def listeners(vault: Vault) -> int:
    """How many connections listen in this database."""
    async with vault.database.reading() as connection:
        return int((await connection.exec_driver_sql(f"SELECT count(*) {_LISTENERS}")).scalar_one())


async def cut(vault: Vault, *, everything: bool = False) -> int:
    """Have PostgreSQL close every connection that listens in this database, or really every one; gives how many."""
    which = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    async with vault.database.reading() as connection:
        where = which if everything else _LISTENERS
        return len((await connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {where}")).all())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has come true."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what comes true sets no event
            await asyncio.sleep(0.01)


async def watched(vault: Vault, job_id: int, count: int = 1) -> None:
    """Wait until so many watch a job, and are told of its changes."""
    changes = vault.database.changes
    await until(lambda: len(changes.watches.get(job_id, ())) == count)
    await changes.listening(PATIENCE)


async def _events(reply: httpx.Response) -> AsyncIterator[Sent]:
    fields: dict[str, str] = {}
    async for line in reply.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            data = json.loads(fields["data"]) if "data" in fields else fields.get("", "")
            yield Sent(fields.get("event", ""), fields.get("id", ""), data)
            fields = {}
