"""Documents: created and deleted many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.api import envelope
from strongroom.api.bodies import as_text
from strongroom.api.call import Call
from strongroom.api.declaration import ROWS, endpoint
from strongroom.api.endpoints.documents import DOCUMENTS, is_migration
from strongroom.api.formats import Rows
from strongroom.domain.document import RowResult
from strongroom.domain.errors import InvalidData, VaultError
from strongroom.services import documents

# A body must have one of these columns, else its header row is missing.
_NEW = frozenset({"file", "name__v", "type__v", "fromTemplate"})
_NAMED = frozenset({"id", "external_id__v"})


@dataclass(frozen=True)
class ById:
    """By which field the documents are named: ``id``, or ``external_id__v``."""

    idParam: str | None = None  # noqa: N815 - the API's name


@endpoint("POST", f"{DOCUMENTS}/batch", body=ROWS, csv=True)
async def create_multiple_documents(call: Call) -> Rows:
    """Create Multiple Documents."""
    return _rows(await documents.create_many(call.vault, _given(call, _NEW), migration=is_migration(call)))


@endpoint("DELETE", f"{DOCUMENTS}/batch", body=ROWS, csv=True)
async def delete_multiple_documents(call: Call, asked: ById) -> Rows:
    """Delete Multiple Documents."""
    return _rows(await documents.delete_many(call.vault, _given(call, _NAMED), id_param=asked.idParam))


def _given(call: Call, expected: frozenset[str]) -> list[dict[str, str]]:
    if not call.body.rows:
        raise InvalidData("The body must be a CSV table or a JSON array with at least one row.")
    names = {name for row in call.body.rows for name in row}
    if not names & expected:
        shown = ", ".join(sorted(names))[:100]
        raise InvalidData(
            f"The columns [{shown}] have none of {', '.join(sorted(expected))}: is the header row missing?"
        )
    return as_text(call.body.rows)


def _rows(results: Sequence[RowResult]) -> Rows:
    return Rows([_row(result) for result in results])


def _row(result: RowResult) -> dict[str, Any]:
    if result.error is None:
        return envelope.row({"id": result.id, "external_id__v": result.external_id})
    if not isinstance(result.error, VaultError):
        raise result.error
    return envelope.row({"id": result.id, "external_id__v": result.external_id}, result.error)
