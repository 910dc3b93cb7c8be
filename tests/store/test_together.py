"""What many ask for at the same moment is done by few statements, and nobody suffers for another."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, text

from strongroom.store.database import Connection, driver
from strongroom.store.tables import login_failures
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ROUNDS: list[int] = []


async def doubled(connection: Connection, numbers: Sequence[int]) -> list[int]:
    ROUNDS.append(len(numbers))
    await connection.execute(text("SELECT pg_sleep(0.02)"))
    return [2 * number for number in numbers]


async def written(connection: Connection, names: Sequence[str]) -> list[str]:
    for name in names:
        await connection.execute(login_failures.insert().values(user_name=name, failed_date=func.now()))
        if name == "bad":
            raise ValueError("bad")
    return list(names)


async def written_by_driver_and_broken(connection: Connection, names: Sequence[str]) -> list[str]:
    raw = await driver(connection)
    for name in names:
        await raw.execute("INSERT INTO login_failures (user_name, failed_date) VALUES ($1, now())", name)
    raise ValueError("broken")


async def names_in(vault: Vault) -> list[str]:
    async with vault.database.reading() as connection:
        return sorted(await connection.scalars(select(login_failures.c.user_name)))


async def test_each_gets_its_own_answer_of_few_rounds(vault: Vault) -> None:
    ROUNDS.clear()
    answers = await asyncio.gather(*(vault.database.read_together(doubled, number) for number in range(150)))
    assert answers == [2 * number for number in range(150)]
    assert sum(ROUNDS) == 150
    assert max(ROUNDS) <= 100
    assert len(ROUNDS) <= 3


async def test_one_that_fails_spoils_no_other_and_leaves_nothing(vault: Vault) -> None:
    names = ["ann", "bad", "bob", "cat"]
    answers = await asyncio.gather(
        *(vault.database.write_together(written, name) for name in names), return_exceptions=True
    )
    assert [answers[0], *answers[2:]] == ["ann", "bob", "cat"]
    assert isinstance(answers[1], ValueError)
    assert await names_in(vault) == ["ann", "bob", "cat"]


async def test_a_caller_who_leaves_does_not_disturb_the_others(vault: Vault) -> None:
    tasks = [asyncio.create_task(vault.database.read_together(doubled, number)) for number in range(5)]
    await asyncio.sleep(0.005)
    tasks[0].cancel()
    tasks[3].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [answers[1], answers[2], answers[4]] == [2, 4, 8]
    assert isinstance(answers[3], asyncio.CancelledError)
    assert await vault.database.read_together(doubled, 9) == 18


async def test_when_a_round_is_cancelled_all_who_wait_are_told_and_the_next_begins_anew(vault: Vault) -> None:
    together = vault.database.readers
    tasks = [asyncio.create_task(together.do(doubled, number)) for number in range(150)]
    await asyncio.sleep(0.005)
    for each in list(together.rounds):
        each.cancel()
    answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=30)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers)
    assert await vault.database.read_together(doubled, 4) == 8


async def test_what_the_driver_writes_first_is_rolled_back_too(vault: Vault) -> None:
    with pytest.raises(ValueError, match="broken"):
        await vault.database.write_together(written_by_driver_and_broken, "dan")
    assert await names_in(vault) == []


async def test_inside_a_transaction_it_joins_that(vault: Vault) -> None:
    async with vault.database.transaction() as connection:
        bound = vault.bound(connection)
        await bound.database.write_together(written, "eve")
        assert await names_in(bound) == ["eve"]
        assert await names_in(vault) == []
    assert await names_in(vault) == ["eve"]
