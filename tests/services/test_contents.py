import hashlib
from collections.abc import AsyncIterator, Iterable

import pytest

from strongroom.domain.errors import InvalidData
from strongroom.services import contents
from strongroom.store import blobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(vault: Vault, content_id: int, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([piece async for piece in contents.read(vault, content_id, start, stop)])


@pytest.mark.parametrize(
    "pieces",
    [[], [b""], [b"a"], [b"a", b"", b"bc"], [bytes(range(256)) * 4096] * 3 + [b"end"], [b"x" * 70_000] * 40],
    ids=["none", "empty", "one", "small", "whole pieces", "odd pieces"],
)
async def test_what_was_stored_is_read_with_its_size_and_checksums(vault: Vault, pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    content = await contents.store(vault, stream(pieces))
    assert content.size == len(whole)
    assert content.md5 == hashlib.md5(whole, usedforsecurity=False).hexdigest()
    assert content.sha256 == hashlib.sha256(whole).hexdigest()
    assert await read(vault, content.id) == whole
    assert await contents.retrieve(vault, content.id) == content


async def test_a_content_of_several_blobs_is_read_across_their_borders(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real border is 1 GiB; a lower one is the same code.
    monkeypatch.setattr(blobs, "BLOB_MAX", 1000)
    pieces = [bytes([number]) * 700 for number in range(9)]
    whole = b"".join(pieces)
    content = await contents.store(vault, stream(pieces))
    assert content.sha256 == hashlib.sha256(whole).hexdigest()
    assert content.md5 == hashlib.md5(whole, usedforsecurity=False).hexdigest()
    assert len([file for file in (vault.settings.data_dir / "blobs").rglob("*") if file.is_file()]) == 5
    for start, stop in [(0, None), (0, 1), (1399, 1401), (1400, 2800), (699, 6000), (6299, 6300), (6300, None), (5, 5)]:
        assert await read(vault, content.id, start, stop) == whole[start:stop]


async def test_an_upload_that_breaks_off_leaves_no_content(vault: Vault) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise ConnectionResetError("the client is gone")

    with pytest.raises(ConnectionResetError):
        await contents.store(vault, broken())
    with pytest.raises(InvalidData):
        await contents.retrieve(vault, 1)


async def test_bytes_that_are_missing_are_an_error_that_names_the_blob(vault: Vault) -> None:
    content = await contents.store(vault, stream([b"here today"]))
    for file in (vault.settings.data_dir / "blobs").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(blobs.BlobMissingError, match=f"{vault.info.id}/"):
        await read(vault, content.id)
