"""Documents: created, retrieved, given versions and renditions, deleted."""

from strongroom.services.documents.create import NewDocument, create, create_many
from strongroom.services.documents.delete import delete, delete_many, delete_version
from strongroom.services.documents.drafts import NewVersion, add_version, put_version
from strongroom.services.documents.renditions import (
    add_rendition,
    delete_rendition,
    rendition,
    rendition_types,
    replace_rendition,
)
from strongroom.services.documents.retrieve import (
    DocumentQuery,
    find,
    list_documents,
    retrieve,
    retrieve_version,
    source,
)

__all__ = [
    "DocumentQuery",
    "NewDocument",
    "NewVersion",
    "add_rendition",
    "add_version",
    "create",
    "create_many",
    "delete",
    "delete_many",
    "delete_rendition",
    "delete_version",
    "find",
    "list_documents",
    "put_version",
    "rendition",
    "rendition_types",
    "replace_rendition",
    "retrieve",
    "retrieve_version",
    "source",
]
