"""The global ids of documents and versions: the Vault, the document and, for a version, a running number."""

import pytest
from tests.services.documents import document, file_of

from strongroom.services import documents
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def global_id(vault: Vault, made: int, minor: int) -> tuple[str, list[int]]:
    """The global id of a document, and the parts of that of its version 0.``minor``."""
    fields = (await documents.retrieve_version(vault, made, 0, minor)).fields
    return fields["global_id__sys"], [int(part) for part in fields["global_version_id__sys"].split("_")]


async def test_the_third_part_counts_the_versions_of_the_vault_and_stays(vault: Vault) -> None:
    first, second = await document(vault, "One"), await document(vault, "Two")
    await documents.add_version(vault, first, draft="uploadedContent", file=await file_of(vault, b"2", "a.txt"))
    found = [await global_id(vault, first, 1), await global_id(vault, second, 1), await global_id(vault, first, 2)]
    assert [known for known, _ in found] == [f"{vault.info.id}_{each}" for each in (first, second, first)]
    assert [parts[:2] for _, parts in found] == [[vault.info.id, each] for each in (first, second, first)]
    serials = [parts[2] for _, parts in found]
    assert serials == sorted(set(serials))
    await documents.delete_version(vault, first, 0, 1)
    assert (await global_id(vault, first, 2))[1][2] == serials[2]
