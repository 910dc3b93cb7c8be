"""Files of documents: from a stored content, or from file staging."""

from collections.abc import Sequence
from typing import Any

from strongroom.domain.content import Content
from strongroom.domain.document import File, format_of
from strongroom.domain.errors import InvalidData
from strongroom.services import contents, file_staging
from strongroom.vault import Vault

FILENAME_MAX = 218
"""Bytes of a file name, at most: it must fit file staging when it is exported."""


def uploaded(content: Content, filename: str) -> File:
    """A file that has just been stored, under the name that the client gave."""
    name = filename.replace("\\", "/").rpartition("/")[2].strip()
    if not name or name in {".", ".."} or not name.isprintable():
        raise InvalidData(f"The file has a name that cannot be used: [{ascii(filename)[1:-1][:60]}].")
    if len(name.encode()) > FILENAME_MAX:
        raise InvalidData(f"The file name [{name[:60]}...] has more than {FILENAME_MAX} bytes.")
    return File(content.id, name, format_of(name), content.size, content.md5)


async def staged(vault: Vault, paths: Sequence[str]) -> dict[str, File]:
    """The files on file staging among these paths; their bytes are shared, not copied."""
    if not paths:
        return {}
    items = await file_staging.find_files(vault, paths)
    stored = await contents.retrieve_many(vault, {item.content_id for item in items.values() if item.content_id})
    return {path: uploaded(stored[item.content_id], item.name) for path, item in items.items() if item.content_id}


def columns(file: File | None) -> dict[str, Any]:
    """The columns of a version's row that say which file it has."""
    if file is None:
        return {"content_id": None, "filename": None, "format": None}
    return {"content_id": file.content_id, "filename": file.filename, "format": file.format}
