"""How the database is reached: by whatever a URL of PostgreSQL may say, and by how many connections."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from strongroom.store.database import Database

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("said", ["sslmode=prefer", "sslmode=disable&application_name=ours"])
async def test_a_url_may_say_what_urls_of_postgresql_say(database_url: str, said: str) -> None:
    database = Database.connect(f"{database_url}&{said}", pool_size=1)
    try:
        async with database.reading() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM vaults")) == 1
    finally:
        await database.close()


async def test_no_process_opens_more_connections_than_the_guide_says(database_url: str) -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "more-machines.md"
    told = re.search(r"^\| web process .*\| (\d+) \|$", guide.read_text(), re.MULTILINE)
    assert told
    most, one_more = int(told[1]) - 1, asyncio.Event()  # one listens, see test_long_poll
    database = Database.connect(database_url)
    async with AsyncExitStack() as held:
        held.push_async_callback(database.close)
        for _ in range(most):
            await held.enter_async_context(database.reading())

        async def ask() -> None:
            async with database.reading():
                one_more.set()

        asking = asyncio.create_task(ask())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one_more.wait(), 0.5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
