from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.services.documents import bytes_of, content_of, document, file_of

from strongroom.domain.errors import InvalidData
from strongroom.domain.staging import Extract
from strongroom.services import contents, documents, file_staging, housekeeping
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


async def test_bytes_go_two_days_after_the_last_reference_and_not_before(vault: Vault) -> None:
    kept = await document(vault, "Kept", b"kept bytes")
    data = bytes(range(256)) * 10_000
    made = await document(vault, "Deleted", data)
    content_id = (await documents.source(vault, made)).content_id
    await documents.delete(vault, made)
    assert await housekeeping.sweep_blobs(vault) == 0
    assert await bytes_of(vault, content_id) == data
    reader = contents.read(vault, content_id)
    begun = await anext(reader)
    assert await housekeeping.sweep_blobs(vault, in_hours(24.5)) == 0
    assert begun + b"".join([piece async for piece in reader]) == data, "what was being read is read to its end"
    with pytest.raises(InvalidData):
        await contents.retrieve(vault, content_id)
    assert await housekeeping.sweep_blobs(vault, in_hours(48)) == 0
    assert await housekeeping.sweep_blobs(vault, in_hours(49)) == 1
    assert await housekeeping.sweep_blobs(vault, in_hours(90)) == 0
    assert await bytes_of(vault, (await documents.source(vault, kept)).content_id) == b"kept bytes"


async def test_a_reader_that_comes_too_late_is_told_that_the_bytes_are_gone(vault: Vault) -> None:
    content = await content_of(vault, b"nobody refers to this")
    reader = contents.read(vault, content.id)
    for hours in (24.5, 49):
        await housekeeping.sweep_blobs(vault, in_hours(hours))
    with pytest.raises(InvalidData, match="no content"):
        await anext(reader)


@pytest.mark.parametrize("holder", ["version", "rendition", "staged"])
async def test_whatever_refers_to_a_content_keeps_it(vault: Vault, holder: str) -> None:
    file = await file_of(vault, b"held", "held.txt")
    if holder == "version":
        made = await document(vault, "D", b"1")
        await documents.add_version(vault, made, draft="uploadedContent", file=file)
    elif holder == "rendition":
        await documents.add_rendition(vault, await document(vault, "D", b"1"), "viewable_rendition__v", file)
    else:
        await file_staging.create_file(vault, "/held.txt", await contents.retrieve(vault, file.content_id))
    for hours in (25, 50, 100):
        await housekeeping.sweep_blobs(vault, in_hours(hours))
    assert await bytes_of(vault, file.content_id) == b"held"


async def test_extracts_go_after_72_hours_with_their_folders_and_other_files_stay(vault: Vault) -> None:
    content = await content_of(vault, b"x")
    await file_staging.create_file(vault, "/u1/own.txt", content)
    extracts = [Extract(f"/u1/7/{number}/0_1/f.txt", content.id, 1) for number in range(3)]
    await file_staging.add_extracts(vault, extracts, expires_date=vault.clock.now() + timedelta(hours=72))
    assert await housekeeping.remove_expired_extracts(replace(vault, clock=Clock(timedelta(hours=71)))) == 0
    assert len((await file_staging.list_items(vault, "/u1/7", recursive=True)).items) == 9
    assert await housekeeping.remove_expired_extracts(replace(vault, clock=Clock(timedelta(hours=73)))) == 3
    left = [item.path for item in (await file_staging.list_items(vault, "/", recursive=True)).items]
    assert left == ["/u1", "/u1/own.txt"]
