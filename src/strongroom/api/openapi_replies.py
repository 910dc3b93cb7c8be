"""What the OpenAPI document says of replies: the envelope as JSON, XML and CSV, files, and the headers of all."""

from typing import Any

from strongroom.api import webhook_headers
from strongroom.api.declaration import BYTES, Declaration
from strongroom.api.envelope import EXCEPTION, FAILURE, SUCCESS
from strongroom.domain import errors

_WARNING = "WARNING"
_ENVELOPE = {"$ref": "#/components/schemas/Envelope"}
_ERRORS = {
    "type": "array",
    "minItems": 1,
    "items": {"$ref": "#/components/schemas/Error"},
    "xml": {"wrapped": True},
}
_TYPES = sorted({each.type for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "type")})
_REFUSED = {"required": ["errors"]}
# Errors are told if, and only if, something was refused.
_TOLD = {
    "if": {"properties": {"responseStatus": {"enum": [SUCCESS, _WARNING]}}},
    "then": {"not": _REFUSED},
    "else": _REFUSED,
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
            "errorType": {"type": "string", "const": "AUTHENTICATION_FAILED", "description": "Of a login that failed."},
        },
        **_TOLD,
    },
    "Error": {
        "type": "object",
        "required": ["type", "message"],
        "properties": {"type": {"type": "string", "enum": _TYPES}, "message": {"type": "string", "minLength": 1}},
        "xml": {"name": "error"},
    },
    "UnknownPath": {
        "description": "The envelope of the one error that is not answered with HTTP 200.",
        "allOf": [_ENVELOPE],
        "type": "object",
        "properties": {
            "responseStatus": {"const": FAILURE},
            "errors": {"items": {"properties": {"type": {"const": errors.MalformedUrl.type}}}},
        },
    },
    "BulkEnvelope": {
        "description": "The reply to a bulk call: one row for each row of the request, in its order.",
        "allOf": [_ENVELOPE],
        "type": "object",
        "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}},
        "if": {"properties": {"responseStatus": {"const": SUCCESS}}},
        "then": {"required": ["data"]},
    },
    "Row": {
        "type": "object",
        "required": ["responseStatus"],
        "properties": {
            "responseStatus": {"type": "string", "enum": [SUCCESS, FAILURE]},
            "id": {"type": "integer"},
            "external_id__v": {"type": "string"},
            "errors": _ERRORS,
        },
        "if": {"properties": {"responseStatus": {"const": SUCCESS}}},
        "then": {"required": ["id"], "not": _REFUSED},
        "else": _REFUSED,
    },
}

_NUMBER = {"type": "integer", "minimum": 0}
_ALWAYS = {
    "X-VaultAPI-ExecutionId": ({"type": "string", "format": "uuid"}, "Of this call alone."),
    "X-VaultAPI-Status": ({"type": "string", "enum": [SUCCESS, _WARNING, FAILURE, EXCEPTION]}, "As `responseStatus`."),
    "X-VaultAPI-BurstLimit": (_NUMBER, "How many calls may be made in five minutes."),
    "X-VaultAPI-BurstLimitRemaining": (_NUMBER, "How many of them are left."),
}
_SOMETIMES = {
    "X-VaultAPI-VaultId": (_NUMBER, "With a session."),
    "X-VaultAPI-UserId": (_NUMBER, "With a session: whose it is."),
    "X-VaultAPI-TruncatedSessionId": ({"type": "string"}, "With a session: how its id begins."),
    "X-VaultAPI-ReferenceId": ({"type": "string"}, "What the request had in the header of this name."),
    "X-VaultAPI-ResponseDelay": (_NUMBER, "By how many milliseconds a limit has slowed the call down."),
}
HEADERS: dict[str, dict[str, Any]] = {
    name: {"description": told, "required": name in _ALWAYS, "schema": schema}
    for name, (schema, told) in (_ALWAYS | _SOMETIMES).items()
}
_THOUGHT_UP = {
    webhook_headers.SECRET.title(): {
        "description": "With a webhook that was asked for without a secret: the one that it has, told this once.",
        "schema": {"type": "string"},
    },
}
_DOWNLOAD = {
    "Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}},
    "Content-Range": {"description": "Which bytes these are, if a range was asked for.", "schema": {"type": "string"}},
}


def replies(declaration: Declaration) -> dict[str, Any]:
    """Describe the replies of a call: all are HTTP 200, but that to an unknown path."""
    content = _envelopes("BulkEnvelope" if declaration.csv else "Envelope", declaration.root)
    told = "The envelope: SUCCESS, or FAILURE with errors."
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    own = _DOWNLOAD if declaration.media == BYTES else _THOUGHT_UP if declaration.starts_job else {}
    if declaration.csv:
        content["text/csv"] = {"schema": {"type": "string", "description": "A header, and a line for each row."}}
    if declaration.media == "application/json":
        content, told = {"application/json": {"schema": {"type": "object"}}}, "The document."
    elif declaration.media is not None:
        content = {declaration.media: {"schema": _file(declaration.media)}, **content}
        told = "The content; the envelope if there is an error."
    return {
        "200": {
            "description": told,
            "headers": {**headers, **own},
            "content": content,
        },
        "404": {
            "description": "The path is unknown.",
            "headers": headers,
            "content": _envelopes("UnknownPath", "ApiRestResult"),
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
