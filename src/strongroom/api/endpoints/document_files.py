"""The files of documents: sources and renditions, of the latest version or of a given one."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from strongroom.api import downloads
from strongroom.api.binding import Id
from strongroom.api.call import Call
from strongroom.api.declaration import BYTES, FILE, FORM, endpoint
from strongroom.api.endpoints.documents import DOCUMENTS, file_of
from strongroom.domain.document import File
from strongroom.domain.errors import InvalidData, ParameterRequired
from strongroom.services import documents

_LATEST = f"{DOCUMENTS}/{{id}}"
_VERSION = f"{_LATEST}/versions/{{major_version}}/{{minor_version}}"


@dataclass(frozen=True)
class SomeVersion:
    """The version that is asked for: the latest one if the path has no version."""

    id: Id
    major_version: Id | None = None
    minor_version: Id | None = None

    @property
    def number(self) -> tuple[int, int] | None:
        """The version's number, or None for the latest."""
        if self.major_version is None or self.minor_version is None:
            return None
        return self.major_version, self.minor_version

    @property
    def place(self) -> str:
        """The path of the document or version."""
        version = f"/versions/{self.major_version}/{self.minor_version}" if self.number else ""
        return f"{DOCUMENTS}/{self.id}{version}"


@dataclass(frozen=True, kw_only=True)
class Rendition(SomeVersion):
    """The rendition that is asked for; ``steadyState``: that of the latest steady state version."""

    rendition_type: str
    steadyState: bool = False  # noqa: N815 - the API's name


@endpoint("GET", f"{_LATEST}/file", media=BYTES)
@endpoint("GET", f"{_VERSION}/file", media=BYTES)
async def download_document_file(call: Call, asked: SomeVersion) -> Response:
    """Download Document File."""
    return await _send(call, await documents.source(call.vault, asked.id, asked.number))


@endpoint("GET", f"{_LATEST}/renditions")
@endpoint("GET", f"{_VERSION}/renditions")
async def retrieve_document_renditions(call: Call, asked: SomeVersion) -> dict[str, Any]:
    """Retrieve Document Renditions."""
    configured, present = await documents.rendition_types(call.vault, asked.id, asked.number)
    urls = {name: f"{call.url(asked.place)}/renditions/{name}" for name in present}
    return {"renditionTypes": configured, "renditions": urls}


@endpoint("GET", f"{_LATEST}/renditions/{{rendition_type}}", media=BYTES)
@endpoint("GET", f"{_VERSION}/renditions/{{rendition_type}}", media=BYTES)
async def download_document_rendition_file(call: Call, asked: Rendition) -> Response:
    """Download Document Rendition File."""
    number = await _steady(call, asked.id) if asked.steadyState and asked.number is None else asked.number
    return await _send(call, await documents.rendition(call.vault, asked.id, asked.rendition_type, number))


@endpoint("POST", f"{_LATEST}/renditions/{{rendition_type}}", body=FILE)
@endpoint("POST", f"{_VERSION}/renditions/{{rendition_type}}", body=FILE)
async def add_single_document_rendition(call: Call, asked: Rendition) -> dict[str, Any]:
    """Add Single Document Rendition."""
    await documents.add_rendition(call.vault, asked.id, asked.rendition_type, _file(call), asked.number)
    return {}


@endpoint("PUT", f"{_LATEST}/renditions/{{rendition_type}}", body=FILE)
@endpoint("PUT", f"{_VERSION}/renditions/{{rendition_type}}", body=FILE)
async def replace_document_rendition(call: Call, asked: Rendition) -> dict[str, Any]:
    """Replace Document Rendition."""
    await documents.replace_rendition(call.vault, asked.id, asked.rendition_type, _file(call), asked.number)
    return {}


@endpoint("DELETE", f"{_LATEST}/renditions/{{rendition_type}}", body=FORM)
@endpoint("DELETE", f"{_VERSION}/renditions/{{rendition_type}}", body=FORM)
async def delete_single_document_rendition(call: Call, asked: Rendition) -> dict[str, Any]:
    """Delete Single Document Rendition."""
    await documents.delete_rendition(call.vault, asked.id, asked.rendition_type, asked.number)
    return {}


async def _send(call: Call, file: File) -> Response:
    return await downloads.send(call, downloads.File(file.content_id, file.filename, file.size))


def _file(call: Call) -> File:
    file = file_of(call.body.upload)
    if file is None:
        raise ParameterRequired.of("file")
    return file


async def _steady(call: Call, document_id: int) -> tuple[int, int]:
    """Find the latest steady state version: its minor number is 0."""
    steady = [number for number in (await documents.retrieve(call.vault, document_id)).versions if number[1] == 0]
    if not steady:
        raise InvalidData(f"Document [{document_id}] has no steady state version.")
    return steady[-1]
