"""Files of documents: from a stored content, or from file staging."""

from collections.abc import Sequence
from typing import Any

from strongroom.domain.content import Content
from strongroom.domain.document import File, format_of
from strongroom.domain.errors import InvalidData, VaultError
from strongroom.domain.staging import StagingItem, check_name
from strongroom.services import contents, file_staging
from strongroom.vault import Vault


def uploaded(content: Content, filename: str) -> File:
    """A file that has just been stored, under the name that the client gave."""
    name = filename.replace("\\", "/").rpartition("/")[2].strip()
    if not name:
        raise InvalidData(f"The file has no name: [{ascii(filename)[1:-1][:60]}].")
    # An export puts it on file staging under this name.
    check_name(name)
    return File(content.id, name, format_of(name), content.size, content.md5)


async def staged(vault: Vault, paths: Sequence[str]) -> dict[str, File | VaultError]:
    """The files at these paths on file staging, whose bytes are shared, not copied; or the error of each."""
    if not paths:
        return {}
    items = await file_staging.find_files(vault, paths)
    ids = {item.content_id for item in items.values() if isinstance(item, StagingItem) and item.content_id}
    stored = await contents.retrieve_many(vault, ids)
    return {path: _file(item, stored) for path, item in items.items()}


def columns(file: File | None) -> dict[str, Any]:
    """The columns of a version's row that say which file it has."""
    if file is None:
        return {"content_id": None, "filename": None, "format": None}
    return {"content_id": file.content_id, "filename": file.filename, "format": file.format}


def _file(item: StagingItem | VaultError, stored: dict[int, Content]) -> File | VaultError:
    if isinstance(item, VaultError):
        return item
    assert item.content_id is not None
    try:
        return uploaded(stored[item.content_id], item.name)
    except VaultError as error:
        return error
