"""The OpenAPI document: valid, complete, and true of the server that gives it."""

import re
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.responses import Response
from tests.api.http_server import ADMIN, PASSWORD
from tests.api.kind_for_tests import Broken, Greeting

from strongroom.api import openapi
from strongroom.api.app import served
from strongroom.api.declaration import Declaration, Endpoint
from strongroom.sdk.registry import Kinds

pytestmark = pytest.mark.anyio

PARAMETER = re.compile(r"\{([^}]+)\}")


@pytest.fixture
async def document(stranger: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await stranger.get("/api/openapi.json")).json()
    return found


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation, by its id."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def parameters(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation, those that it refers to among them."""
    known = {f"#/components/parameters/{name}": each for name, each in document["components"]["parameters"].items()}
    return [known.get(each.get("$ref", ""), each) for each in operation.get("parameters", [])]


async def drive(
    http: httpx.AsyncClient, document: dict[str, Any], name: str, in_path: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    """Do an operation of the document; the reply's status and content type must be ones that it tells of."""
    method, path, operation = operations(document)[name]
    values = {"version": "v26.1", **(in_path or {})}
    reply = await http.request(method, PARAMETER.sub(lambda found: values[found[1]], path), **more)
    told = operation["responses"][str(reply.status_code)]["content"]
    assert reply.headers["content-type"].partition(";")[0] in told
    return reply


async def test_it_needs_no_session_and_is_json(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.get("/api/openapi.json", headers={"Accept": "application/xml"})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json;charset=UTF-8"
    assert reply.headers["x-vaultapi-status"] == "SUCCESS"
    assert reply.json()["openapi"] == "3.1.0"


async def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_it_is_valid_with_a_kind_of_a_stranger() -> None:
    kinds: Kinds = {"greeting": Greeting(), "broken": Broken()}
    document = openapi.document(served(kinds))
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    method, path, greet = operations(document)["greetingBatchGreet"]
    assert (method, path) == ("POST", "/api/{version}/rooms/batch/actions/greet")
    rows = greet["requestBody"]["content"]["application/json"]["schema"]
    assert rows["items"] == {"$ref": "#/components/schemas/Person"}
    assert document["components"]["schemas"]["Person"]["required"] == ["id"]
    named = [each for each in parameters(document, greet) if each["in"] != "header"]
    assert [each["name"] for each in named] == ["version", "room", "loud", "times"]


async def test_every_declared_call_is_in_it_and_nothing_else(document: dict[str, Any], job_kinds: Kinds) -> None:
    declared = {(each.declaration.method, openapi.template(each.declaration)) for each in served(job_kinds)}
    described = {(method, path) for method, path, _ in operations(document).values()}
    assert described == declared
    assert len(declared) > 45


async def test_operation_ids_and_path_shapes_are_unique(document: dict[str, Any]) -> None:
    assert len(operations(document)) == sum(len(methods) for methods in document["paths"].values())
    shapes = [PARAMETER.sub("{}", path) for path in document["paths"]]
    assert len(set(shapes)) == len(shapes)


async def test_every_segment_in_braces_is_a_parameter_of_the_path(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document).values():
        in_path = [each["name"] for each in parameters(document, operation) if each["in"] == "path"]
        assert in_path == PARAMETER.findall(path)


async def test_what_answers_without_an_envelope_says_so(job_kinds: Kinds) -> None:
    for endpoint in served(job_kinds):
        gives_bytes = endpoint.handler.__annotations__["return"] is Response
        assert gives_bytes == (endpoint.declaration.media is not None), endpoint.summary


async def test_extensions_are_under_their_own_tag(document: dict[str, Any]) -> None:
    own = {name for name, (_, _, each) in operations(document).items() if each["tags"] == ["Strongroom extensions"]}
    assert own >= {"retrieveJobDetails", "retrieveJobLog", "retrieveJobEvents", "cancelJob", "retrieveOpenAPIDocument"}
    assert "retrieveJobStatus" not in own


async def test_parameters_that_no_vault_has_say_so(document: dict[str, Any]) -> None:
    known = operations(document)
    _, _, status = known["retrieveJobStatus"]
    wait, since = status["parameters"][2:]
    assert (wait["name"], since["name"]) == ("wait", "since")
    assert all(each["description"].startswith("A Strongroom extension") for each in (wait, since))
    assert wait["schema"] == {"type": "number", "minimum": 0, "maximum": 60}
    _, _, events = known["retrieveJobEvents"]
    assert set(events["responses"]["200"]["content"]) == {"text/event-stream", "application/json", "application/xml"}
    assert "Last-Event-ID" in events["parameters"][2]["description"]


async def test_calls_that_start_jobs_and_no_others_take_a_webhook(document: dict[str, Any]) -> None:
    webhook, secret = "X-Strongroom-Webhook", "X-Strongroom-Webhook-Secret"
    starting = {"exportDocuments", "exportDocumentsVersions", "startCustomJob", "startJob"}
    for name, (_, _, operation) in operations(document).items():
        in_header = [each["name"] for each in parameters(document, operation) if each["in"] == "header"]
        assert in_header == ([webhook, secret] if name in starting else []), name
        assert (secret in operation["responses"]["200"]["headers"]) == (name in starting), name
    told = {each["name"]: each for each in document["components"]["parameters"].values()}
    assert all(told[name]["description"] and not told[name]["required"] for name in (webhook, secret))
    pattern = told[secret]["schema"]["pattern"]
    for value, fits in (("x" * 16, True), ("~" * 255, True), ("x" * 15, False), ("x" * 256, False), ("a " * 9, False)):
        assert (re.fullmatch(pattern, value) is not None) == fits


async def test_inputs_are_described(document: dict[str, Any]) -> None:
    known = operations(document)
    _, _, listing = known["retrieveAllDocuments"]
    limit = next(each for each in listing["parameters"] if each.get("name") == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 200}
    _, _, created = known["createFolderOrFile"]
    form = created["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["kind", "path"]
    assert form["properties"]["file"] == {"type": "string", "format": "binary"}
    _, _, deleted = known["deleteMultipleDocuments"]
    assert set(deleted["requestBody"]["content"]) == {"application/json", "text/csv"}
    assert set(deleted["responses"]["200"]["content"]) == {"application/json", "application/xml", "text/csv"}
    _, _, subtypes = known["retrieveDocumentType"]
    assert [each.get("name") for each in subtypes["parameters"][1:]] == ["type"]


async def test_sessions_are_described(document: dict[str, Any]) -> None:
    known = operations(document)
    assert known["userNameAndPassword"][2]["security"] == []
    assert {} in known["retrieveAPIVersions"][2]["security"]
    assert known["retrieveJobStatus"][2]["security"] == [{"session": []}, {"bearer": []}]
    schemes = document["components"]["securitySchemes"]
    assert schemes["session"]["name"] == "Authorization"


def test_a_later_version_of_a_call_is_told() -> None:
    async def handler(call: object) -> None: ...

    new = Endpoint(Declaration("GET", "/things", since="v25.3"), handler, None, "Retrieve Things", "things")
    document = openapi.document([new])
    operation = document["paths"]["/api/{version}/things"]["get"]
    assert operation["description"] == "Since v25.3."
    assert operation["parameters"][0]["schema"]["enum"] == ["v25.3", "v26.1"]


async def test_its_operations_work(stranger: httpx.AsyncClient, document: dict[str, Any]) -> None:
    form = {"username": ADMIN, "password": PASSWORD}
    session = (await drive(stranger, document, "userNameAndPassword", data=form)).json()["sessionId"]
    scheme = document["components"]["securitySchemes"]["session"]
    stranger.headers[scheme["name"]] = session
    user = (await drive(stranger, document, "validateSessionUser")).json()["users"][0]["user"]
    assert user["user_name__v"] == ADMIN
    files = {"file": ("a.txt", b"hello")}
    made = await drive(stranger, document, "createFolderOrFile", data={"kind": "file", "path": "a.txt"}, files=files)
    assert made.json()["data"]["size"] == 5
    content = await drive(stranger, document, "downloadItemContent", {"item": "a.txt"})
    assert content.content == b"hello"
    csv = {"Content-Type": "text/csv", "Accept": "text/csv"}
    rows = await drive(stranger, document, "deleteMultipleDocuments", content=b"id\n998\n", headers=csv)
    assert rows.text.splitlines()[0] == "responseStatus,id,errors"
    job = (await drive(stranger, document, "exportDocumentsVersions", json=[])).json()
    assert job["errors"][0]["type"] == "INVALID_DATA"
    ended = await drive(stranger, document, "endSession", headers={"Accept": "application/xml"})
    assert ended.text.endswith("<ApiRestResult><responseStatus>SUCCESS</responseStatus></ApiRestResult>")


async def test_a_session_is_needed_where_it_says_so(stranger: httpx.AsyncClient, document: dict[str, Any]) -> None:
    for name, (_, path, operation) in operations(document).items():
        in_path = dict.fromkeys(PARAMETER.findall(path), "1") | {"version": "v26.1"}
        reply = await drive(stranger, document, name, in_path)
        refused = reply.json().get("errors", [{}])[0].get("type") == "INVALID_SESSION_ID"
        assert refused == ({} not in operation["security"] and operation["security"] != []), name
