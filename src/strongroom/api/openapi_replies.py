"""What the OpenAPI document says of replies: the envelope as JSON, XML and CSV, and files."""

from typing import Any

from strongroom.api.declaration import Declaration
from strongroom.api.envelope import EXCEPTION, FAILURE, SUCCESS

_WARNING = "WARNING"
_ENVELOPE = {"$ref": "#/components/schemas/Envelope"}
_ERRORS = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/Error"},
    "xml": {"wrapped": True},
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "Envelope": {
        "description": "What every reply has; its other keys are those of the call.",
        "type": "object",
        "required": ["responseStatus"],
        "properties": {
            "responseStatus": {"type": "string", "enum": [SUCCESS, _WARNING, FAILURE, EXCEPTION]},
            "responseMessage": {"type": "string"},
            "errors": _ERRORS,
            "errorType": {"type": "string", "description": "Of a login that failed."},
        },
    },
    "Error": {
        "type": "object",
        "required": ["type", "message"],
        "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        "xml": {"name": "error"},
    },
    "BulkEnvelope": {
        "description": "The reply to a bulk call: one row for each row of the request, in its order.",
        "allOf": [_ENVELOPE],
        "type": "object",
        "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}},
    },
    "Row": {
        "type": "object",
        "required": ["responseStatus"],
        "properties": {
            "responseStatus": {"type": "string", "enum": [SUCCESS, FAILURE]},
            "errors": _ERRORS,
        },
    },
}


def replies(declaration: Declaration) -> dict[str, Any]:
    """Describe the replies of a call: all are HTTP 200, but that to an unknown path."""
    content = _envelopes("BulkEnvelope" if declaration.csv else "Envelope", declaration.root)
    told = "The envelope: SUCCESS, or FAILURE with errors."
    if declaration.csv:
        content["text/csv"] = {"schema": {"type": "string", "description": "A header, and a line for each row."}}
    if declaration.media == "application/json":
        content, told = {"application/json": {"schema": {"type": "object"}}}, "The document."
    elif declaration.media is not None:
        content = {declaration.media: {"schema": _file(declaration.media)}, **content}
        told = "The content; the envelope if there is an error."
    return {
        "200": {"description": told, "content": content},
        "404": {
            "description": "The path is unknown.",
            "content": _envelopes("Envelope", "ApiRestResult"),
        },
    }


def _envelopes(schema: str, root: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "application/json": {"schema": reference},
        "application/xml": {"schema": {"allOf": [reference], "type": "object", "xml": {"name": root}}},
    }


def _file(media: str) -> dict[str, Any]:
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}
