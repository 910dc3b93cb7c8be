"""File staging: items listed, created and downloaded."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from strongroom.api import downloads
from strongroom.api.call import Call
from strongroom.api.declaration import BYTES, Body, endpoint
from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData, ParameterRequired
from strongroom.domain.staging import FILE_MAX, StagingItem
from strongroom.services import file_staging

_ITEMS = "/services/file_staging/items"
_Limit = Annotated[int, msgspec.Meta(ge=1, le=file_staging.LIST_MAX)]


@dataclass(frozen=True)
class ItemList:
    """The folder whose items are asked for (the root if none is named), and which of them."""

    item: str = ""
    recursive: bool = False
    limit: _Limit = file_staging.LIST_MAX
    cursor: str | None = None
    format_result: str | None = None


@dataclass(frozen=True)
class OneFile:
    """The file that is asked for."""

    item: str


@dataclass(frozen=True)
class NewItem:
    """The file or folder to create. The clients of folders send ``overwrite`` too, which means nothing for them."""

    kind: str
    path: str
    overwrite: bool = False


@endpoint("GET", _ITEMS)
@endpoint("GET", f"{_ITEMS}/{{item:rest}}")
async def list_items_at_a_path(call: Call, asked: ItemList) -> dict[str, Any]:
    """List Items at a Path."""
    if asked.format_result:
        raise InvalidData(f"[format_result] is not served yet: [{asked.format_result}]; leave it out for JSON.")
    found = await file_staging.list_items(
        call.vault, asked.item, recursive=asked.recursive, limit=asked.limit, cursor=asked.cursor
    )
    reply: dict[str, Any] = {}
    if found.cursor:
        query = {"cursor": found.cursor, "limit": asked.limit, "recursive": str(asked.recursive).lower()}
        reply["responseDetails"] = {"next_page": f"{call.url(_ITEMS)}?{urlencode(query)}"}
    return {**reply, "data": [_written(item) for item in found.items]}


@endpoint("GET", f"{_ITEMS}/content/{{item:rest}}", media=BYTES)
async def download_item_content(call: Call, asked: OneFile) -> Response:
    """Download Item Content."""
    item = await file_staging.open_file(call.vault, asked.item)
    assert item.content_id is not None, "a file has a content"
    assert item.size is not None, "a file has a size"
    return await downloads.send(call, downloads.File(item.content_id, item.name, item.size), ranges=True)


@endpoint("POST", _ITEMS, body=Body(file_limit=FILE_MAX))
async def create_folder_or_file(call: Call, asked: NewItem) -> dict[str, Any]:
    """Create Folder or File."""
    kind = asked.kind.lower()
    if kind == "folder":
        return {"data": _written(await file_staging.create_folder(call.vault, asked.path))}
    if kind != "file":
        raise InvalidData(f"Invalid value [{asked.kind}] specified for parameter [kind]: use file or folder.")
    if call.body.upload is None:
        raise ParameterRequired.of("file")
    content = call.body.upload.content
    item = await file_staging.create_file(call.vault, asked.path, content, overwrite=asked.overwrite)
    return {"data": {**_head(item), "size": content.size, "file_content_md5": content.md5}}


def _written(item: StagingItem) -> dict[str, Any]:
    return {**_head(item), "size": item.size, "modified_date": item.modified_date and written(item.modified_date)}


def _head(item: StagingItem) -> dict[str, Any]:
    return {"kind": item.kind, "path": item.path, "name": item.name}
