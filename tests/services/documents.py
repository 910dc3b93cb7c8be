"""What the tests of documents have in common: contents, and documents made of them."""

from collections.abc import AsyncIterator

from strongroom.domain.content import Content
from strongroom.domain.document import File
from strongroom.services import contents, documents
from strongroom.services.documents import NewDocument
from strongroom.services.documents.files import uploaded
from strongroom.vault import Vault

GENERAL = {"type__v": "General", "lifecycle__v": "General Lifecycle"}


async def content_of(vault: Vault, data: bytes) -> Content:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return await contents.store(vault, pieces())


async def file_of(vault: Vault, data: bytes, name: str) -> File:
    return uploaded(await content_of(vault, data), name)


async def document(
    vault: Vault, name: str, data: bytes | None = b"data", filename: str = "file.txt", **fields: str
) -> int:
    file = None if data is None else await file_of(vault, data, filename)
    return await documents.create(vault, NewDocument({"name__v": name} | GENERAL | fields, file))


async def bytes_of(vault: Vault, content_id: int) -> bytes:
    return b"".join([piece async for piece in contents.read(vault, content_id)])
