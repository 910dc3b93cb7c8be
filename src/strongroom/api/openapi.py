"""The OpenAPI 3.1 document of the calls that a server answers, and the call that gives it."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version as distribution_version
from typing import Any

import msgspec
from starlette.responses import Response

from strongroom.api import openapi_inputs, openapi_replies
from strongroom.api.call import Call
from strongroom.api.declaration import Declaration, Endpoint
from strongroom.api.formats import Format
from strongroom.api.versions import OLDEST

_EXTENSIONS = "Strongroom extensions"
_SCHEMA = re.compile(r'"#/components/schemas/([^"]+)"')
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "required": [{"session": []}, {"bearer": []}],
    "optional": [{}, {"session": []}, {"bearer": []}],
    "none": [],
}


def describing(others: Sequence[Endpoint]) -> Endpoint:
    """Make the call that gives the document of these calls, and of itself."""

    async def retrieve_openapi_document(_: Call) -> Response:
        return Response(encoded(), headers={"content-type": Format.JSON.value})

    @cache  # not before somebody asks: it would be a tenth of a web process's start
    def encoded() -> bytes:
        return msgspec.json.encode(document([*others, endpoint]))

    path, media = "/openapi.json", "application/json"
    declaration = Declaration("GET", path, session="optional", versioned=False, media=media, extension=True)
    endpoint = Endpoint(declaration, retrieve_openapi_document, None, "Retrieve OpenAPI Document", "openapi")
    return endpoint


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Describe these calls. Of two that differ only in ``since`` the newer one stands."""
    known = openapi_inputs.schemas(endpoints)
    names = _operation_ids(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint, name in zip(endpoints, names, strict=True):
        operation = {"operationId": name, **_operation(endpoint, endpoints, known)}
        paths.setdefault(template(endpoint.declaration), {})[endpoint.declaration.method.lower()] = operation
    used = {tag: None for path in paths.values() for operation in path.values() for tag in operation["tags"]}
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in used],
        "paths": paths,
        "components": {
            "parameters": {"version": openapi_inputs.version_parameter(OLDEST), **openapi_inputs.WEBHOOK},
            "headers": openapi_replies.HEADERS,
            "schemas": {**openapi_replies.SCHEMAS, **_referred_to(paths, known.components)},
            "securitySchemes": _security_schemes(),
        },
    }


def template(declaration: Declaration) -> str:
    """Give the path of a call as the document has it, from ``/api`` on."""
    start = "/api/{version}" if declaration.versioned else "/api"
    return start + declaration.path.replace(":rest}", "}")


def heading(endpoint: Endpoint) -> str:
    """Give the name of a call, without what is said of an extension after it."""
    return endpoint.summary.partition(": a Strongroom extension")[0]


def _operation(endpoint: Endpoint, endpoints: Sequence[Endpoint], known: openapi_inputs.Schemas) -> dict[str, Any]:
    declaration = endpoint.declaration
    said = [f"{endpoint.summary}."] if heading(endpoint) != endpoint.summary else []
    if declaration.since != OLDEST:
        said.append(f"Since {declaration.since}.")
    return {
        "summary": heading(endpoint),
        **({"description": " ".join(said)} if said else {}),
        "tags": [_EXTENSIONS if declaration.extension else _section(endpoint.section)],
        **openapi_inputs.taken(endpoint, endpoints, known),
        "responses": openapi_replies.replies(declaration),
        "security": _SECURITY[declaration.session],
    }


def _operation_ids(endpoints: Sequence[Endpoint]) -> list[str]:
    """Name each call after its heading; of several with one heading, all but the shortest say what their path adds."""
    shortest: dict[str, str] = {}
    for endpoint in endpoints:
        name, path = _camel(heading(endpoint)), template(endpoint.declaration)
        shortest[name] = min(shortest.get(name, path), path, key=lambda each: (len(each), each))
    names: list[str] = []
    for endpoint in endpoints:
        name, path = _camel(heading(endpoint)), template(endpoint.declaration)
        if path != shortest[name]:
            known = shortest[name].split("/")
            added = [segment for segment in path.split("/") if segment not in known]
            name += _pascal(" ".join([segment for segment in added if "{" not in segment] or added))
        names.append(name if name not in names else f"{name}{len(names)}")
    return names


def _camel(text: str) -> str:
    pascal = _pascal(text)
    return pascal[:1].lower() + pascal[1:]


def _pascal(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", text))


def _section(name: str) -> str:
    return name.replace("_", " ").title().replace("Api ", "API ")


def _referred_to(paths: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Choose the schemas that the paths refer to, and those that these refer to."""
    found: dict[str, Any] = {}
    waiting = [paths]
    while waiting:
        for name in _SCHEMA.findall(msgspec.json.encode(waiting.pop()).decode()):
            if name in components and name not in found:
                found[name] = components[name]
                waiting.append(components[name])
    return found


def _info() -> dict[str, Any]:
    return {
        "title": "Strongroom",
        "summary": "The calls of the Vault REST API that this server answers.",
        "description": (
            "Every reply but a file is an envelope with `responseStatus`; an error is answered with HTTP 200 and"
            " `FAILURE`, an unknown path with 404. Unknown parameters are ignored. Calls that no Vault has are under"
            f" the tag {_EXTENSIONS}."
        ),
        "version": distribution_version("strongroom"),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _security_schemes() -> dict[str, Any]:
    told = "The `sessionId` that the call User Name and Password gives"
    return {
        "session": {"type": "apiKey", "in": "header", "name": "Authorization", "description": f"{told}."},
        "bearer": {"type": "http", "scheme": "bearer", "description": f"{told}, after the word Bearer."},
    }
