"""Documents: created, retrieved, given new versions, deleted; one at a time."""

from dataclasses import dataclass
from typing import Any

from strongroom.api.binding import Id, Limit, Offset
from strongroom.api.bodies import Upload
from strongroom.api.call import Call
from strongroom.api.declaration import FILE, FORM, endpoint
from strongroom.domain.document import DocumentView, File
from strongroom.domain.page import Window
from strongroom.services import documents
from strongroom.services.documents import DocumentQuery, NewDocument
from strongroom.services.documents.files import uploaded

DOCUMENTS = "/objects/documents"
_VERSION = f"{DOCUMENTS}/{{id}}/versions/{{major_version}}/{{minor_version}}"


@dataclass(frozen=True)
class OneDocument:
    """The document that is asked for."""

    id: Id


@dataclass(frozen=True)
class OneVersion(OneDocument):
    """The version of a document that is asked for."""

    major_version: Id
    minor_version: Id


@dataclass(frozen=True)
class DocumentList:
    """Which documents are asked for. ``scope`` says where ``search`` looks; this server looks in all it has."""

    named_filter: str | None = None
    scope: str | None = None
    search: str | None = None
    versionscope: str | None = None
    sort: str = "id ASC"
    start: Offset = 0
    limit: Limit = 200


@dataclass(frozen=True)
class NewDraft(OneDocument):
    """How a document gets a new version: ``latestContent``, ``uploadedContent``, or a file for a placeholder."""

    createDraft: str | None = None  # noqa: N815 - the API's name
    description__v: str | None = None


@endpoint("POST", DOCUMENTS, body=FILE)
async def create_single_document(call: Call) -> dict[str, Any]:
    """Create Single Document."""
    new = NewDocument(dict(call.values), file_of(call.body.upload), migration=is_migration(call))
    # A path in a field named file is for batches; here the file comes with the request.
    new.fields.pop("file", None)
    return {"responseMessage": "successfully created document", "id": await documents.create(call.vault, new)}


@endpoint("GET", DOCUMENTS)
async def retrieve_all_documents(call: Call, asked: DocumentList) -> dict[str, Any]:
    """Retrieve All Documents."""
    query = DocumentQuery(asked.named_filter, asked.search, asked.versionscope, asked.sort)
    found = await documents.list_documents(call.vault, query, Window(asked.limit, asked.start))
    rows = [{"document": view.fields} for view in found]
    return {"size": len(rows), "start": asked.start, "limit": asked.limit, "documents": rows}


@endpoint("GET", f"{DOCUMENTS}/{{id}}")
async def retrieve_document(call: Call, asked: OneDocument) -> dict[str, Any]:
    """Retrieve Document."""
    view = await documents.retrieve(call.vault, asked.id)
    return {"document": view.fields, **_references(call, view, f"{DOCUMENTS}/{view.id}"), "attachments": []}


@endpoint("GET", f"{DOCUMENTS}/{{id}}/versions")
async def retrieve_document_versions(call: Call, asked: OneDocument) -> dict[str, Any]:
    """Retrieve Document Versions."""
    view = await documents.retrieve(call.vault, asked.id)
    return _references(call, view, f"{DOCUMENTS}/{view.id}")


@endpoint("GET", _VERSION)
async def retrieve_document_version(call: Call, asked: OneVersion) -> dict[str, Any]:
    """Retrieve Document Version."""
    view = await documents.retrieve_version(call.vault, asked.id, asked.major_version, asked.minor_version)
    place = f"{DOCUMENTS}/{view.id}/versions/{asked.major_version}/{asked.minor_version}"
    return {"document": view.fields, **_references(call, view, place), "attachments": []}


@endpoint("POST", f"{DOCUMENTS}/{{id}}", body=FILE)
async def create_single_document_version(call: Call, asked: NewDraft) -> dict[str, Any]:
    """Create Single Document Version."""
    major, minor = await documents.add_version(
        call.vault,
        asked.id,
        draft=asked.createDraft,
        file=file_of(call.body.upload),
        description=asked.description__v,
    )
    message = "New draft successfully created." if asked.createDraft else "Document successfully checked in."
    return {"responseMessage": message, "major_version_number__v": major, "minor_version_number__v": minor}


@endpoint("DELETE", f"{DOCUMENTS}/{{id}}", body=FORM)
async def delete_single_document(call: Call, asked: OneDocument) -> dict[str, Any]:
    """Delete Single Document."""
    await documents.delete(call.vault, asked.id)
    return {"id": asked.id}


@endpoint("DELETE", _VERSION, body=FORM)
async def delete_single_document_version(call: Call, asked: OneVersion) -> dict[str, Any]:
    """Delete Single Document Version."""
    await documents.delete_version(call.vault, asked.id, asked.major_version, asked.minor_version)
    return {"id": asked.id}


def file_of(upload: Upload | None) -> File | None:
    """Give the file that came with a request as a document's file."""
    return None if upload is None else uploaded(upload.content, upload.filename)


def is_migration(call: Call) -> bool:
    """Tell whether the request is in migration mode; some clients send ``false``."""
    return call.headers.get("x-vaultapi-migrationmode", "").strip().lower() == "true"


def _references(call: Call, view: DocumentView, place: str) -> dict[str, Any]:
    """Make the absolute URLs of renditions, which hang on ``place``, and of versions, oldest first."""
    versions = call.url(f"{DOCUMENTS}/{view.id}/versions")
    return {
        "renditions": {name: f"{call.url(place)}/renditions/{name}" for name in view.renditions},
        "versions": [
            {"number": f"{major}.{minor}", "value": f"{versions}/{major}/{minor}"} for major, minor in view.versions
        ],
    }
