"""What the connections of one process know of each other."""

import asyncpg
import pytest

from strongroom.store.links import WatchedConnection

pytestmark = pytest.mark.anyio


async def asked(url: str, values: str) -> tuple[list[str], object]:
    """What a new connection says to the server when it wants these values, and what it gets."""
    connection = await asyncpg.connect(url, connection_class=WatchedConnection)
    said: list[str] = []
    try:
        with connection.query_logger(lambda query: said.append(query.query)):
            found = await connection.fetchval(f"SELECT {values}")
    finally:
        await connection.close()
    return said, found


async def test_only_the_first_connection_asks_for_a_built_in_type(database_url: str) -> None:
    values = "ARRAY['08:00:2b:01:02:03', NULL]::macaddr[]"
    _, first = await asked(database_url, values)
    said, second = await asked(database_url, values)
    assert first == second == ["08:00:2b:01:02:03", None]
    assert len(said) == 1


async def test_a_type_that_somebody_has_made_is_asked_for_by_each_connection(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE TYPE mood AS ENUM ('well', 'unwell')")
        for _ in range(2):
            said, found = await asked(database_url, "ARRAY['well']::mood[]")
            assert found == ["well"]
            assert len(said) > 1
        await connection.execute("DROP TYPE mood")
    finally:
        await connection.close()
