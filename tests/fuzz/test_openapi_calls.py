"""Schemathesis drives every operation of the OpenAPI document over HTTP, with data that fits and data that does not."""

from collections.abc import Iterator
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from tests.api.http_server import serving
from tests.fuzz.edge import ADMIN, PASSWORD, PATIENCE, Edge, Reply, check
from tests.fuzz.profiles import fuzzed
from tests.fuzz.xml_of_json import of_json

from strongroom import catalog
from strongroom.services import seeding

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# What the sample Vault has: else hardly a call would find what it names.
THERE: dict[str, list[str | int]] = {
    "version": ["v26.1", "v26.1", "v7.0", "v20.3"],
    "id": [1, 2, 3, 10001, 10002],
    "job_id": [1, 2],
    "major_version": [0, 1],
    "minor_version": [0, 1, 2],
    "rendition_type": ["viewable_rendition__v", "imported_rendition__c"],
    "type": ["general__c", "procedure__c"],
    "subtype": ["report__c"],
    "item": ["reports", "in/a.txt", "u10001", "content"],
}
WEBHOOK = "X-Strongroom-Webhook"
JSON, XML, STREAM = "application/json", "application/xml", "text/event-stream"


class Api:
    """The served API: its document, where it is, and a session of the admin."""

    def __init__(self, url: str, edge: Edge) -> None:
        self.url = url
        self.calls = edge.calls
        self.http = requests.Session()
        self.login()
        document = self.http.get(f"{url}/api/openapi.json", timeout=PATIENCE).json()
        schema = schemathesis.openapi.from_dict(document)
        # A stream goes on for as long as its job.
        every = [cast(Any, each).ok() for each in schema.get_all_operations()]
        found = [each for each in every if STREAM not in each.definition.raw["responses"]["200"]["content"]]
        # What is deleted cannot be found by others, so that comes last.
        self.operations = sorted(found, key=lambda each: each.method == "delete")
        self.roots = {each.label: _root(each.definition.raw) for each in found}

    def login(self) -> None:
        form = {"username": ADMIN, "password": PASSWORD}
        reply = requests.post(f"{self.url}/api/v26.1/auth", data=form, timeout=PATIENCE)
        self.http.headers["Authorization"] = reply.json()["sessionId"]

    def call(self, case: Any, accept: str) -> Reply:
        """Make a call; what holds for every reply is checked."""
        headers = {"Accept": accept, "Authorization": str(self.http.headers["Authorization"])}
        got = case.call(base_url=self.url, session=self.http, headers=headers, timeout=PATIENCE)
        case.validate_response(got, checks=CHECKS)
        reply = Reply(
            got.status_code, {name.lower(): ", ".join(values) for name, values in got.headers.items()}, got.content
        )
        check(reply)
        self.calls[reply.headers["x-vaultapi-status"]] += 1
        return reply


@pytest.fixture
def api(edge: Edge) -> Iterator[Api]:
    edge.portal.call(seeding.apply, edge.vault, seeding.load(catalog.sample()))
    with edge.portal.wrap_async_context_manager(serving(edge.app)) as port:
        yield Api(f"http://127.0.0.1:{port}", edge)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_operation(api: Api, mode: schemathesis.GenerationMode) -> None:
    assert len(api.operations) > 45
    for operation in api.operations:
        if mode.is_negative and not {"parameters", "requestBody"} & operation.definition.raw.keys():
            continue  # it takes nothing that could be wrong
        _drive(api, operation, operation.as_strategy(generation_mode=mode))


def _drive(api: Api, operation: Any, cases: st.SearchStrategy[Any]) -> None:
    @given(case=cases, data=st.data())
    @fuzzed(2, share=20)
    def calls(case: Any, data: st.DataObject) -> None:
        for name, there in THERE.items():
            if name in case.path_parameters and data.draw(st.integers(0, 3)):
                case.path_parameters[name] = data.draw(st.sampled_from(there))
        if isinstance(wait := (case.query or {}).get("wait"), int | float) and 1 < wait <= 60:
            case.query["wait"] = wait / 60
        if str((case.headers or {}).get(WEBHOOK)).lower().startswith("http"):
            # A name that is made up would be asked of name servers.
            case.headers[WEBHOOK] = data.draw(st.sampled_from(["http://127.0.0.1:9/", "https://[::1]/hook"]))
        accept = data.draw(st.sampled_from([JSON, JSON, XML, "text/csv"]))
        reply = api.call(case, accept)
        if operation.path.endswith("/session") and reply.headers["x-vaultapi-status"] == "SUCCESS":
            api.login()
        if operation.method == "get":
            _compare(api, case, api.roots[operation.label])

    calls()


def _compare(api: Api, case: Any, root: str) -> None:
    """The XML of a read must be its JSON; a cursor holds the time, so a reply that changes by itself is left out."""
    before, as_xml, after = (api.call(case, accept) for accept in (JSON, XML, JSON))
    if before.content == after.content and as_xml.media == XML:
        body = before.json
        expected = of_json(root if body["responseStatus"] == "SUCCESS" else "ApiRestResult", body)
        assert ET.canonicalize(as_xml.content) == ET.canonicalize(expected)


def _root(operation: dict[str, Any]) -> str:
    content = operation["responses"]["200"]["content"]
    return str(content[XML]["schema"]["xml"]["name"]) if XML in content else ""
