"""What the API forgives: each sentence of its conventions that says so, by its section, and exact content types."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from tests.api.http_server import PASSWORD
from tests.api.refusals import VIEWABLE, Furnished, V, furnish

from strongroom import kinds
from strongroom.api import dates
from strongroom.api.app import served
from strongroom.api.declaration import Endpoint
from strongroom.sdk import load
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

# All but the streams, which have no end while their job has none.
ENDPOINTS = [each for each in served(load(kinds)) if each.declaration.media != "text/event-stream"]
ME, DOCUMENTS = f"{V}/objects/users/me", f"{V}/objects/documents"
STAGING, JOBS = f"{V}/services/file_staging/items", f"{V}/services/jobs"
EXPORT = f"{DOCUMENTS}/batch/actions/fileextract"
LOGIN = {"username": "admin@localhost", "password": PASSWORD}
DOCUMENT = {"name__v": "A", "type__v": "General", "lifecycle__v": "General Lifecycle"}
FORM, CSV, TYPED = (
    {"Content-Type": each} for each in ("application/x-www-form-urlencoded", "text/csv", "application/json")
)


@pytest.fixture
async def there(vault: Vault, http: httpx.AsyncClient) -> Furnished:
    return await furnish(vault, http)


@dataclass(frozen=True)
class Lenient:
    """A request that is forgiven something, the section that says so, and a part of the reply."""

    section: int
    name: str
    method: str
    path: str
    gives: str = ""
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


CASES = [
    Lenient(2, "a session as a bearer's", "GET", ME, "admin@localhost", None, {"Authorization": "Bearer {session}"}),
    Lenient(2, "a bearer in any case", "GET", ME, "admin@localhost", None, {"Authorization": "bearer  {session}"}),
    Lenient(2, "an invalid client id", "GET", ME, "admin@localhost", None, {"X-VaultAPI-ClientID": "a b/ü?" * 30}),
    Lenient(2, "a client id in the query", "GET", f"{ME}?client_id=acme-x", "admin@localhost"),
    Lenient(2, "migration mode false", "POST", f"{DOCUMENTS}?{urlencode(DOCUMENT)}&status__v=None", "created", b"", {"X-VaultAPI-MigrationMode": "false"}),
    Lenient(2, "Accept of a browser", "GET", ME, '{"responseStatus"', None, {"Accept": "text/html, */*;q=0.8"}),
    Lenient(6, "a POST without a body", "POST", f"{V}/keep-alive", "", b""),
    Lenient(6, "a body of fields that nobody knows", "POST", f"{JOBS}/{{job_id}}/actions/cancel", "job_id", b"a=1&b=2", FORM),
    Lenient(6, "a DELETE with a body", "DELETE", f"{DOCUMENTS}/{{id}}/versions/0/2/renditions/{VIEWABLE}", "", b"a=1", FORM),
    Lenient(6, "credentials in the query", "POST", f"{V}/auth?{urlencode(LOGIN)}", "sessionId", b""),
    Lenient(6, "a field in the body and in the query", "POST", f"{STAGING}?kind=file&path=/other", '"/both"', b"kind=folder&path=/both", FORM),
    Lenient(6, "a field twice", "POST", STAGING, '"/second"', b"kind=folder&path=/first&path=/second", FORM),
    Lenient(6, "a form without a content type", "POST", STAGING, '"/typeless"', b"kind=folder&path=/typeless"),
    Lenient(6, "a kind in capitals", "POST", STAGING, '"/capitals"', b"kind=FOLDER&path=capitals&overwrite=True", FORM),
    Lenient(6, "True", "GET", f"{STAGING}?recursive=True", "/kept/a.txt"),
    Lenient(6, "TRUE", "GET", f"{STAGING}?recursive=TRUE", "/kept/a.txt"),
    Lenient(6, "False", "GET", f"{ME}?exclude_vault_membership=False", "vault_membership"),
    Lenient(6, "FALSE", "GET", f"{ME}?exclude_vault_membership=FALSE", "vault_membership"),
    Lenient(6, "an empty field", "GET", f"{DOCUMENTS}?limit=&sort=&search=", "Cleaning SOP"),
    Lenient(6, "ids as texts", "POST", EXPORT, "job_id", b'[{"id":"{id}"}]', TYPED),
    Lenient(6, "ids as numbers", "POST", EXPORT, "job_id", b'[{"id":{id}}]', TYPED),
    Lenient(6, "JSON as what it is not", "POST", EXPORT, "job_id", b' [{"id":{id}}]', FORM),
    Lenient(6, "JSON without a content type", "POST", EXPORT, "job_id", b'[{"id":{id}}]'),
    Lenient(6, "JSON with a byte order mark", "POST", EXPORT, "job_id", b'\xef\xbb\xbf[{"id":{id}}]', TYPED),
    Lenient(6, "CSV of LF", "POST", EXPORT, "job_id", b"id\n{id}\n", CSV),
    Lenient(6, "CSV of CRLF", "POST", EXPORT, "job_id", b"id\r\n{id}\r\n", {"Content-Type": "text/csv; charset=UTF-8"}),
    Lenient(6, "CSV with a byte order mark and quotes", "POST", EXPORT, "job_id", b'\xef\xbb\xbf"id"\n"{id}"', CSV),
    Lenient(6, "CSV with columns that nobody knows", "POST", EXPORT, "job_id", b"id,major_version__v,x\n{id},0,\n\n", CSV),
    Lenient(6, "CSV with short rows", "POST", EXPORT, "job_id", b"id,x,y\n{id}\n", CSV),
    Lenient(6, "CSV as what it is not", "POST", EXPORT, "job_id", b"id\n{id}\n", {"Content-Type": "text/plain"}),
    Lenient(6, "CSV without a content type", "POST", EXPORT, "job_id", b"id\n{id}\n"),
    Lenient(6, "a line end in CSV quotes", "DELETE", f"{DOCUMENTS}/batch", '"responseStatus":"FAILURE"', b'id,x\n77,"a\nb"\n', CSV),
    Lenient(7, "a limit at its most", "GET", f"{JOBS}/monitors?limit=200&offset=0", '"limit":200,"offset":0}'),
    Lenient(7, "an offset beyond the last row", "GET", f"{JOBS}/monitors?offset=51", '"jobs":[]'),
    Lenient(7, "a start beyond the last row", "GET", f"{DOCUMENTS}?start=51&limit=200", '"documents":[]'),
    Lenient(7, "an unknown parameter", "GET", f"{DOCUMENTS}?page=2&pagesize=x", "Cleaning SOP"),
    *(
        Lenient(8, f"the date {date}", "GET", f"{JOBS}/monitors?start_date={date}", '"total":1')
        for written in (
            "2026-03-04T07:00Z", "2026-03-04T07:00:00.123Z[UTC]", "2026-03-04T07:00-08:00[America/Los_Angeles]",
            "2026-03-04", "2026-03-04T07:00:00Z", "2026-03-04T07:00:00+01:00", "2026-03-04T07:00:00.123456789Z",
        )
        for date in (written, quote(written, safe=""))
    ),
    Lenient(11, "an empty document list", "GET", f"{DOCUMENTS}?named_filter=My%20Documents&search=none", '"size":0'),
]  # fmt: skip


async def test_each_sentence(there: Furnished, http: httpx.AsyncClient) -> None:
    faults = []
    for case in CASES:
        headers = {
            name: value.replace("{session}", http.headers["Authorization"]) for name, value in case.headers.items()
        }
        url = http.base_url.copy_with(raw_path=filled(case.path, there).encode())
        content = case.content and filled(case.content.decode(), there).encode()
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        reply = await http.request(case.method, url, content=content, headers=raw)
        good = (
            reply.status_code == 200
            and reply.text.startswith('{"responseStatus":"SUCCESS"')
            and case.gives in reply.text
        )
        if not good or reply.headers["content-type"] != "application/json;charset=UTF-8":
            faults.append(f"section {case.section}, {case.name}: {reply.text[:300]}")
    assert faults == []


def filled(text: str, there: Furnished) -> str:
    return text.replace("{id}", there.values["id"]).replace("{job_id}", there.values["job_id"])


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-03-04T07:00Z", 7),
        ("2026-03-04T07:00:00.000Z[UTC]", 7),
        ("2026-03-04T07:00-08:00[America/Los_Angeles]", 15),
        ("2026-03-04T07:00:00 01:00", 6),
        ("2026-03-04", 0),
    ],
)
def test_the_moment_that_a_date_means(written: str, hour: int) -> None:
    assert dates.parse("start_date", written) == datetime(2026, 3, 4, hour, tzinfo=UTC)


# Section 6: a form may come in every way, wherever there is one.

BOUNDARY = "multipart/form-data; boundary=b"


def parts(fields: Mapping[str, str]) -> bytes:
    heads = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    return "".join((*heads, "--b--\r\n")).encode()


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 7):
        yield content[at : at + 7]


WAYS: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "form": lambda fields: {"data": fields},
    "multipart": lambda fields: {"content": parts(fields), "headers": {"Content-Type": BOUNDARY}},
    "json": lambda fields: {"json": fields},
    "query": lambda fields: {"params": fields, "content": b""},
    "form in chunks": lambda fields: {"content": chunks(urlencode(fields).encode()), "headers": FORM},
    "multipart in chunks": lambda fields: {"content": chunks(parts(fields)), "headers": {"Content-Type": BOUNDARY}},
}


@pytest.mark.parametrize("way", WAYS)
async def test_forms_are_interchangeable(there: Furnished, http: httpx.AsyncClient, way: str) -> None:
    async def sent(method: str, path: str, /, **fields: str) -> dict[str, Any]:
        reply: dict[str, Any] = (await http.request(method, path, **WAYS[way](fields))).json()
        assert reply["responseStatus"] == "SUCCESS", reply
        return reply

    assert (await sent("POST", f"{V}/auth", **LOGIN))["userId"]
    assert (await sent("POST", STAGING, kind="folder", path="/a/b", overwrite="True"))["data"]["path"] == "/a/b"
    made = (await sent("POST", DOCUMENTS, **DOCUMENT, title__v="Maß & Zahl", size=""))["id"]
    document = (await http.get(f"{DOCUMENTS}/{made}")).json()["document"]
    assert (document["name__v"], document["title__v"]) == ("A", "Maß & Zahl")
    at = f"{DOCUMENTS}/{there.values['id']}"
    assert (await sent("POST", at, createDraft="latestContent", unknown="x"))["minor_version_number__v"] == 3
    await sent("DELETE", f"{at}/versions/0/3/renditions/{VIEWABLE}", unknown="x")
    await sent("DELETE", f"{at}/versions/0/3", unknown="x")
    await sent("DELETE", f"{DOCUMENTS}/{made}", unknown="x")
    await sent("POST", f"{JOBS}/{there.values['job_id']}/actions/cancel", unknown="x")
    await sent("POST", f"{V}/keep-alive", unknown="x")
    await sent("DELETE", f"{V}/session", unknown="x")


# Section 11, and section 5: every call, by all spellings of its path, in each format.

SPELLINGS: dict[str, Callable[[str], str]] = {
    "a slash at the end": lambda path: f"{path}/",
    "doubled slashes and percent encodings": lambda path: f"//{path.replace('/', '//').replace('o', '%6f')}/",
    "doubled slashes": lambda path: f"/{path.replace('/', '//')}//",
    "percent encodings": lambda path: "/".join("".join(f"%{byte:02x}" for byte in each.encode()) for each in path.split("/")),
    "capitals in percent encodings": lambda path: path.replace("o", "%6F").replace("_", "%5F"),
}  # fmt: skip


async def test_each_path_has_many_spellings(
    there: Furnished, http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    faults = []
    for endpoint in ENDPOINTS:
        method, plain = endpoint.declaration.method, there.path(endpoint)
        # What would change something is only asked whether it is there.
        client = http if method == "GET" and endpoint.declaration.session != "optional" else stranger
        expected = await client.request(method, plain)
        for name, spelled in SPELLINGS.items():
            reply = await client.request(method, client.base_url.copy_with(raw_path=spelled(plain).encode()))
            if (reply.status_code, reply.content) != (expected.status_code, expected.content):
                faults.append(f"{method} {spelled(plain)}, {name}: {reply.text[:200]}")
    assert faults == []


async def test_each_reply_has_its_exact_content_type(there: Furnished, http: httpx.AsyncClient) -> None:
    faults = []
    for endpoint in (each for each in ENDPOINTS if each.declaration.method == "GET" and is_there(each)):
        for accept in ("*/*", "application/json", "application/xml", "text/csv", "application/json; charset=utf-8", ""):
            reply = await http.get(there.path(endpoint), headers={"Accept": accept})
            if (found := reply.headers["content-type"]) != type_of(endpoint, accept):
                faults.append(f"{endpoint.declaration.path}, {accept}: {found}")
            assert reply.headers["x-vaultapi-status"] == "SUCCESS", reply.text
    assert faults == []


def is_there(endpoint: Endpoint) -> bool:
    """Whether a Vault that is furnished has something to answer."""
    return "classification" not in endpoint.declaration.path and not endpoint.declaration.path.endswith("/results")


def type_of(endpoint: Endpoint, accept: str) -> str:
    written = endpoint.declaration.media or ("application/xml" if accept == "application/xml" else "application/json")
    return f"{written};charset=UTF-8"


async def test_accept(http: httpx.AsyncClient) -> None:
    for accept, found in (
        ("text/html", "json"),
        ("text/csv", "json"),
        ("application/xml;q=0.5, application/json", "json"),
        ("application/json;q=0.1, application/xml", "xml"),
        ("application/xml;q=nothing", "json"),
        ("TEXT/XML", "xml"),
    ):
        reply = await http.get(ME, headers={"Accept": accept})
        assert reply.headers["content-type"] == f"application/{found};charset=UTF-8", accept


async def test_every_parameter_of_a_path_may_be_percent_encoded(http: httpx.AsyncClient) -> None:
    path = "/a b/ü%2f.txt"
    made = await http.post(STAGING, data={"kind": "file", "path": path}, files={"file": ("C:\\dir\\x.txt", b"1")})
    assert made.json()["data"]["path"] == path
    raw = "/".join(quote(each, safe="") for each in path.split("/"))
    for spelled in (raw, raw.replace("%20", "+").replace("+", "%20"), raw.lower(), raw.replace("/", "//")):
        reply = await http.get(http.base_url.copy_with(raw_path=f"{STAGING}/content{spelled}".encode()))
        assert reply.content == b"1", spelled
