"""Documents that many change at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from tests.services.documents import GENERAL, document, file_of

from strongroom.domain.errors import InvalidData, OperationNotAllowed, VaultError
from strongroom.services import documents
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

SECONDS = 20
"""Less than a connection is waited for: a pool that starves itself does not pass."""


async def at_once(*deeds: Awaitable[Any]) -> list[Any]:
    """What all deeds gave; an error of the API is a result, any other is not."""
    async with asyncio.timeout(SECONDS):
        results = await asyncio.gather(*deeds, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, VaultError):
            raise result
    return results


async def test_many_drafts_at_once_get_a_number_each(vault: Vault) -> None:
    made = await document(vault, "Busy")
    numbers = await at_once(*(documents.add_version(vault, made, draft="latestContent") for _ in range(40)))
    assert sorted(numbers) == [(0, minor) for minor in range(2, 42)]
    view = await documents.retrieve(vault, made)
    assert view.fields["minor_version_number__v"] == 41
    assert len(view.versions) == 41


async def test_one_file_of_many_fills_a_placeholder(vault: Vault) -> None:
    made = await document(vault, "Empty", None)
    files = [await file_of(vault, b"x", f"{number}.txt") for number in range(6)]
    results = await at_once(*(documents.add_version(vault, made, draft=None, file=file) for file in files))
    assert [type(result) for result in results if result != (0, 1)] == [OperationNotAllowed] * 5


async def test_a_rendition_of_a_version_that_goes_is_refused_or_goes_with_it(vault: Vault) -> None:
    file = await file_of(vault, b"pdf", "a.pdf")
    for _ in range(20):
        made = await document(vault, "Short-lived")
        await documents.add_version(vault, made, draft="latestContent")
        added, deleted = await at_once(
            documents.add_rendition(vault, made, "viewable_rendition__v", file, (0, 2)),
            documents.delete_version(vault, made, 0, 2),
        )
        assert added is None or isinstance(added, InvalidData)
        assert deleted is None
        assert (await documents.retrieve(vault, made)).renditions == []


async def test_a_document_that_goes_leaves_no_version_behind(vault: Vault) -> None:
    for _ in range(10):
        made = await document(vault, "Gone")
        drafted, deleted = await at_once(
            documents.add_version(vault, made, draft="latestContent"), documents.delete(vault, made)
        )
        assert drafted == (0, 2) or isinstance(drafted, InvalidData)
        assert deleted is None
        with pytest.raises(InvalidData):
            await documents.retrieve(vault, made)


async def test_versions_deleted_at_once_end_the_document_once(vault: Vault) -> None:
    for _ in range(10):
        made = await document(vault, "Two")
        await documents.add_version(vault, made, draft="latestContent")
        results = await at_once(*(documents.delete_version(vault, made, 0, minor) for minor in (1, 2)))
        assert results == [None, None]
        with pytest.raises(InvalidData):
            await documents.retrieve(vault, made)


async def test_an_external_id_is_given_once_whoever_comes_first(vault: Vault) -> None:
    orders = (("A", "B", "C"), ("C", "B", "A"))
    batches = await at_once(
        *(
            documents.create_many(
                vault, [{"name__v": "N", "external_id__v": key} | GENERAL for key in orders[turn % 2]]
            )
            for turn in range(12)
        )
    )
    taken = [result.external_id for batch in batches for result in batch if result.error is None]
    assert sorted(taken) == ["A", "B", "C"]
