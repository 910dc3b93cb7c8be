"""What the OpenAPI document says of requests: parameters of path and query, and bodies, from the types of inputs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from strongroom.api import webhook_headers
from strongroom.api.declaration import Body, Endpoint
from strongroom.api.versions import NEWEST, OLDEST, VERSIONS, is_at_least

_PARAMETER = re.compile(r"\{([^}:]+)(:rest)?\}")
_FILE = {"type": "string", "format": "binary"}
_SECRET = {"type": "string", "pattern": "^[!-~]{16,255}$"}
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
WEBHOOK: dict[str, dict[str, Any]] = {
    "webhook": {
        "name": webhook_headers.URL.title(),
        "in": "header",
        "required": False,
        "description": "A Strongroom extension: a URL that is told of each status which the job comes to.",
        "schema": {"type": "string", "format": "uri"},
    },
    "webhookSecret": {
        "name": webhook_headers.SECRET.title(),
        "in": "header",
        "required": False,
        "description": "What the deliveries to that URL are signed with; without it a secret is thought up.",
        "schema": _SECRET,
    },
}
"""The headers of calls that start jobs."""


@dataclass(frozen=True)
class Schemas:
    """JSON schemas: those of the inputs by their types, and those of all types by their names."""

    inputs: dict[type[Any], dict[str, Any]]
    components: dict[str, dict[str, Any]]


def schemas(endpoints: Iterable[Endpoint]) -> Schemas:
    """Make the schemas of all that these calls take."""
    inputs = list(dict.fromkeys(kind for each in endpoints if (kind := _input(each)) is not None))
    references, components = msgspec.json.schema_components(inputs, ref_template="#/components/schemas/{name}")
    shapes = [components[reference["$ref"].rpartition("/")[2]] for reference in references]
    return Schemas(dict(zip(inputs, shapes, strict=True)), components)


def taken(endpoint: Endpoint, endpoints: Sequence[Endpoint], known: Schemas) -> dict[str, Any]:
    """Describe what a call takes: ``parameters`` and ``requestBody``."""
    declaration = endpoint.declaration
    kind = _input(endpoint)
    shape: dict[str, Any] = known.inputs[kind] if kind else {"properties": {}, "required": []}
    fields = {name: _without_null(schema) for name, schema in shape["properties"].items()}
    in_path = dict(_PARAMETER.findall(declaration.path))
    elsewhere = _hidden(endpoint, endpoints) | set(in_path)
    free = {name: schema for name, schema in fields.items() if name not in elsewhere}
    required = [name for name in shape["required"] if name in free]
    parameters = [_version(declaration.since)] if declaration.versioned else []
    parameters += [_path_parameter(name, fields.get(name), rest) for name, rest in in_path.items()]
    body = declaration.body
    if body is None or body.rows:
        parameters += [_query_parameter(name, schema, required=name in required) for name, schema in free.items()]
    if declaration.starts_job:
        parameters += [{"$ref": f"#/components/parameters/{name}"} for name in WEBHOOK]
    reply = {"parameters": parameters} if parameters else {}
    if body is not None and body.rows:
        rows = fields[endpoint.taken.rows] if endpoint.taken and endpoint.taken.rows else None
        return {**reply, "requestBody": _rows(rows)}
    if body is not None and (free or body.file_limit):
        return {**reply, "requestBody": _form(body, free, required)}
    return reply


def version_parameter(since: str) -> dict[str, Any]:
    """Describe the parameter of the path that says which version is asked."""
    versions = [version for version in VERSIONS if is_at_least(version, since)]
    schema = {"type": "string", "enum": versions, "default": NEWEST}
    return {"name": "version", "in": "path", "required": True, "schema": schema}


def _input(endpoint: Endpoint) -> type[Any] | None:
    return endpoint.taken.input if endpoint.taken else endpoint.input


def _hidden(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> set[str]:
    """Find the fields that are not this call's: those in the path of another call with this input, and other rows."""
    paths = [each.declaration.path for each in endpoints if each.input is endpoint.input is not None]
    names = {name for path in paths for name, _ in _PARAMETER.findall(path)}
    return names | (endpoint.taken.hidden if endpoint.taken else frozenset())


def _version(since: str) -> dict[str, Any]:
    return {"$ref": "#/components/parameters/version"} if since == OLDEST else version_parameter(since)


def _path_parameter(name: str, schema: dict[str, Any] | None, rest: str) -> dict[str, Any]:
    shown = {key: value for key, value in (schema or {"type": "string"}).items() if key != "default"}
    told = {"description": "A path; its slashes may be sent as they are."} if rest else {}
    return {"name": name, "in": "path", "required": True, **told, "schema": shown}


def _query_parameter(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """Describe one parameter of the query; what its type is described by is said of the parameter."""
    shape = dict(schema)
    told = {"description": shape.pop("description")} if "description" in shape else {}
    return {"name": name, "in": "query", "required": required, **told, "schema": shape}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Say of what may be absent only what it is when it is there."""
    kept = {key: value for key, value in schema.items() if key != "default" or value is not None}
    kinds = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if len(kinds) != 1:
        return kept
    del kept["anyOf"]
    return {**kinds[0], **kept}


def _form(body: Body, fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {"type": "object", "properties": fields}
    if required:
        plain["required"] = required
    content = {name: {"schema": plain} for name in _FORMS}
    if body.file_limit:
        content["multipart/form-data"] = {"schema": {**plain, "properties": {**fields, "file": _FILE}}}
    told = "The fields, in any of these forms; in the query of the URL, too."
    return {"description": told, "required": bool(required), "content": content}


def _rows(schema: dict[str, Any] | None) -> dict[str, Any]:
    array = schema or {"type": "array", "items": {"type": "object"}}
    return {
        "description": "At least one row, as a JSON array or as a CSV table whose first line names the columns.",
        "required": True,
        "content": {
            "application/json": {"schema": {**array, "minItems": 1}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
