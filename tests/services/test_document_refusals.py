"""Documents: what the services refuse that the faces do not send, or not in this form."""

import pytest
from tests.services.documents import GENERAL, content_of, document

from strongroom.domain.errors import InvalidData
from strongroom.domain.page import Window
from strongroom.services import documents, file_staging
from strongroom.services.documents import DocumentQuery, NewVersion
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def test_a_staged_file_whose_name_is_blank_makes_no_document(vault: Vault) -> None:
    await file_staging.create_file(vault, "/in/   ", await content_of(vault, b"x"))
    results = await documents.create_many(vault, [{"name__v": "A", "file": "/in/   "} | GENERAL])
    assert isinstance(results[0].error, InvalidData)
    assert "has no name" in str(results[0].error)


async def test_a_version_that_exists_is_not_written_again(vault: Vault) -> None:
    made = await document(vault, "Cleaning SOP")
    with pytest.raises(InvalidData, match=rf"\[0.1\] of document \[{made}\] exists"):
        await documents.put_version(vault, made, NewVersion((0, 1), {"title__v": "new"}))
    view = await documents.retrieve(vault, made)
    assert (view.versions, "title__v" in view.fields) == ([(0, 1)], False)


async def test_an_older_version_does_not_become_the_latest(vault: Vault) -> None:
    made = await document(vault, "Cleaning SOP")
    for number in ((2, 0), (1, 0)):
        await documents.put_version(vault, made, NewVersion(number, {"name__v": f"SOP {number[0]}"}))
    assert (await documents.retrieve(vault, made)).fields["name__v"] == "SOP 2"
    await documents.delete_version(vault, made, 1, 0)
    assert (await documents.retrieve(vault, made)).fields["version_id"] == f"{made}_2_0"


@pytest.mark.parametrize("limit", [0, 1001])
async def test_a_list_of_staged_items_has_a_limit(vault: Vault, limit: int) -> None:
    with pytest.raises(InvalidData, match=rf"\[limit\] must be from 1 to 1000: \[{limit}\]"):
        await file_staging.list_items(vault, limit=limit)


async def test_favourites_and_cart_are_empty_and_own_documents_are_found(vault: Vault) -> None:
    made = await document(vault, "Cleaning SOP")
    for name, found in (("Favorites", []), ("Cart", []), ("My Documents", [made]), ("Recent Documents", [made])):
        query = DocumentQuery(named_filter=name)
        assert [each.id for each in await documents.list_documents(vault, query, Window())] == found
