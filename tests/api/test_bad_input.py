"""Bad input: each call that a case applies to refuses it, names the value, and changes nothing; as JSON and as XML."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.inspect import BoolType, DataclassType, IntType, UnionType
from tests.api.refusals import JSON, PARAMETER, VIEWABLE, Bad, Furnished, V, faults, furnish

from strongroom import kinds
from strongroom.api.app import served
from strongroom.api.declaration import Endpoint
from strongroom.sdk import load
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ENDPOINTS = served(load(kinds))
TAKING_BODIES = [each for each in ENDPOINTS if each.declaration.body is not None]
TAKING_ROWS = [each for each in TAKING_BODIES if each.declaration.body and each.declaration.body.rows]
TAKING_FILES = [each for each in TAKING_BODIES if each.declaration.body and each.declaration.body.file_limit]

DOCUMENTS, STAGING = f"{V}/objects/documents", f"{V}/services/file_staging/items"
EXPORT, EXPORT_VERSIONS = (f"{DOCUMENTS}/{part}batch/actions/fileextract" for part in ("", "versions/"))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CSV, TYPED = {"Content-Type": "text/csv"}, {"Content-Type": JSON}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}
GENERAL = "name__v=A&type__v=General&lifecycle__v=General%20Lifecycle"


@pytest.fixture
async def there(vault: Vault, http: httpx.AsyncClient) -> Furnished:
    return await furnish(vault, http)


def parts(*given: str, end: str = "--b--\r\n") -> bytes:
    """A multipart body of such parts: ``name=value``, or ``name@filename=content``."""
    body = ""
    for part in given:
        head, _, value = part.partition("=")
        name, _, filename = head.partition("@")
        told = f'; filename="{filename}"' if "@" in head else ""
        body += f'--b\r\nContent-Disposition: form-data; name="{name}"{told}\r\n\r\n{value}\r\n'
    return (body + end).encode()


def to(endpoint: Endpoint, path: str, kind: str, shows: str, **more: Any) -> Bad:
    """A bad request to one call."""
    method = endpoint.declaration.method
    return Bad(f"{method} {path[:150]}", method, path, kind, shows, **more)


def in_path(endpoint: Endpoint) -> list[str]:
    return [name for name, _ in PARAMETER.findall(endpoint.declaration.path)]


def fields(endpoint: Endpoint) -> dict[str, Any]:
    """The types of what a call takes, by name; what may be absent counts as what it is when it is there."""
    kind = endpoint.taken.input if endpoint.taken else endpoint.input
    shape = msgspec.inspect.type_info(kind) if kind else None
    found = shape.fields if isinstance(shape, DataclassType) else ()
    return {each.encode_name: each.type.types[0] if isinstance(each.type, UnionType) else each.type for each in found}


def needed(endpoint: Endpoint) -> str:
    """What a call asks for before it looks at the rest, as the begin of a query."""
    shape = msgspec.inspect.type_info(endpoint.input) if endpoint.input else None
    required = [each.encode_name for each in shape.fields if each.required] if isinstance(shape, DataclassType) else []
    return "".join(f"{name}=x&" for name in required if name not in in_path(endpoint))


def good_rows(endpoint: Endpoint) -> dict[str, Any]:
    """A body for those calls that need one before they look at anything else."""
    row = {"id": 1, "major_version_number__v": 0, "minor_version_number__v": 1}
    return {"content": json.dumps([row]).encode(), "headers": TYPED} if endpoint in TAKING_ROWS else {}


# Every call that is declared.


async def test_no_session(there: Furnished, stranger: httpx.AsyncClient, vault: Vault) -> None:
    for token in (None, "", "Bearer nothing", "Basic YTpi", "\xff", "A" * 4000):
        headers = {} if token is None else {"Authorization": token.encode("latin-1")}
        optional = {"optional"} if token else set()
        cases = [
            to(each, there.path(each), "INVALID_SESSION_ID", "Invalid or expired session ID.", headers=headers)
            for each in ENDPOINTS
            if each.declaration.session in {"required"} | optional
        ]
        assert len(cases) > 40
        assert await faults(stranger, vault, cases) == [], token


async def test_an_ended_session(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    assert (await http.delete(f"{V}/session")).json()["responseStatus"] == "SUCCESS"
    asked = [each for each in ENDPOINTS if each.declaration.session != "none"]
    cases = [to(each, there.path(each), "INVALID_SESSION_ID", "Invalid or expired") for each in asked]
    assert await faults(http, vault, cases) == []


async def test_a_wrong_verb(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    right = {(each.declaration.method, there.path(each)) for each in ENDPOINTS}
    cases = [
        Bad(f"{verb} {path}", verb, path, "METHOD_NOT_SUPPORTED", f"[{verb}]")
        for path in sorted({path for _, path in right})
        for verb in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
        if (verb, path) not in right
    ]
    assert len(cases) > 100
    assert await faults(http, vault, cases) == []


async def test_an_unknown_version(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    asked = [each for each in ENDPOINTS if each.declaration.versioned]
    cases = [
        to(each, there.path(each, version), "MALFORMED_URL", f"no API version [{version}]")
        for version in ("v99.1", "v6.0", "26.1", "V26.1", "v26.1.0")
        for each in asked
    ]
    assert await faults(http, vault, cases) == []


async def test_an_unknown_path(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    missing = "The specified resource cannot be found"
    below = [each for each in ENDPOINTS if "file_staging" not in each.declaration.path]
    cases = [to(each, f"{there.path(each)}/nothing/here/x", "MALFORMED_URL", missing) for each in below]
    others = ("/", "/nothing", "/ap", "/api/nothing", f"{V}/services/jobs", f"{V}/objects", f"{V}/vobjects/a__v")
    cases += [Bad(f"GET {path}", "GET", path, "MALFORMED_URL", missing) for path in others]
    assert await faults(http, vault, cases) == []


async def test_a_path_that_is_not_utf8(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    places = [(each, name) for each in ENDPOINTS for name in in_path(each)]
    cases = [to(each, there.path(each, **{name: "a%ff"}), "MALFORMED_URL", "[%ff]") for each, name in places]
    cases.append(Bad("the version", "GET", "/api/%fe", "MALFORMED_URL", "[%fe]"))
    assert len(cases) > 40
    assert await faults(http, vault, cases) == []


NO_IDS = {"9" * 40: "9" * 40, "-1": "-1", "null": "null", "%C2%B2": "²", "%20": " "}


async def test_a_bad_id_in_a_path(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    places = [(each, name) for each in ENDPOINTS for name in in_path(each) if isinstance(fields(each)[name], IntType)]
    assert len(places) > 40
    cases = [
        to(each, there.path(each, **{name: sent}), "INVALID_DATA", f"[{shown}] specified for parameter [{name}]")
        for sent, shown in NO_IDS.items()
        for each, name in places
    ]
    assert await faults(http, vault, cases) == []


async def test_what_is_not_there(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    file = {"content": parts("file@a.pdf=1", "createDraft=latestContent"), "headers": PARTS, "stores": True}
    places = [(each, name) for each in ENDPOINTS for name in in_path(each)]
    cases = []
    for each, name in places:
        other = "2147483647" if isinstance(fields(each)[name], IntType) else "none__x"
        more = file if each in TAKING_FILES else {}
        cases.append(to(each, there.path(each, **{name: other}), "INVALID_DATA", other, **more))
    assert await faults(http, vault, cases) == []


async def test_a_nul(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    cases = [to(each, f"{there.path(each)}?a=1&b=x%00", "INVALID_DATA", "[b] holds a NUL") for each in ENDPOINTS]
    places = [(each, name) for each in ENDPOINTS for name in in_path(each)]
    cases += [
        to(each, there.path(each, **{name: "a%00b"}), "INVALID_DATA", f"[{name}] holds a NUL") for each, name in places
    ]
    assert await faults(http, vault, cases) == []


async def test_a_bad_value_of_a_parameter(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    places = [
        (each, name)
        for each in ENDPOINTS
        for name, kind in fields(each).items()
        if isinstance(kind, IntType | BoolType) and name not in in_path(each)
    ]
    assert len(places) > 25
    cases = [
        to(each, f"{there.path(each)}?{needed(each)}{name}={value}", "INVALID_DATA", f"[{value}] specified for parameter [{name}]", **good_rows(each))
        for each, name in places
        for value in ("maybe", "9" * 40, "-9999999999", "2e9")
    ]  # fmt: skip
    assert await faults(http, vault, cases) == []


# Every call that takes a body.

BROKEN = [
    (TYPED, b'{"name__v": "A', "not valid JSON: Input data was truncated after 14 bytes"),
    (TYPED, b'{"a": 1, b}', '(byte 9), near ["a": 1, b}]'),
    (TYPED, b'{"a": 1} x', 'trailing characters (byte 10), near [a": 1} x]'),
    (TYPED, b'"A"', "array of objects"),
    (TYPED, b"[" * 5000, "not valid JSON"),
    (TYPED, b'{"a": "\xff"}', "byte 0xff"),
    (TYPED, b'{"a": "\\ud800"}', "not valid JSON"),
    (TYPED, b'{"kind": "fi\\u0000le"}', "[kind] holds a NUL"),
    ({"Content-Type": "multipart/form-data"}, parts("a=1"), "boundary"),
    (PARTS, b"kind=file&path=x", "multipart body cannot be read"),
    (PARTS, parts("kind=file", end=""), "cut off"),
    (PARTS, b"", "cut off"),
    (PARTS, parts(*["a=1"] * 2001), "2000 parts"),
    (PARTS, b"--b\r\nContent-Type: a/b\r\n\r\n1\r\n--b--\r\n", "no name"),
    (PARTS, parts("kind=fi\0le"), "[kind] holds a NUL"),
]


async def test_a_broken_body(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    cases = [
        to(each, there.path(each), "INVALID_DATA", shows, content=content, headers=headers)
        for headers, content, shows in BROKEN
        for each in TAKING_BODIES
    ]
    assert len(TAKING_BODIES) > 15
    assert await faults(http, vault, cases) == []


async def test_a_body_over_the_limit(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    limit = 16 * 1024 * 1024
    told = {"kind": "EXCEEDS_FILE_MAX_SIZE", "shows": "16 MB", "content": b"a" * (limit + 1)}
    cases = [to(each, there.path(each), headers=TYPED, **told) for each in TAKING_BODIES]  # type: ignore[arg-type]
    one_of_each = {each.declaration.body: each for each in TAKING_BODIES}.values()
    for each in one_of_each:
        cases += [to(each, there.path(each), headers=headers, **told) for headers in (CSV, FORM, {})]  # type: ignore[arg-type]
        case = to(each, there.path(each), headers=PARTS, **told)  # type: ignore[arg-type]
        cases.append(replace(case, content=parts(f"a={'x' * limit}", "b=1")))
    assert await faults(http, vault, cases, formats=(JSON,)) == []


# Every call that takes a file.


def uploads(there: Furnished) -> Iterator[tuple[Endpoint, str]]:
    """The calls that take a file, with a query that makes all else of them right."""
    queries = {
        "/services/file_staging/items": "?kind=file&path=new.txt",
        "/objects/documents": f"?{GENERAL}",
        "/objects/documents/{id}": "?createDraft=uploadedContent",
    }
    for each in TAKING_FILES:
        new = {"rendition_type": "imported_rendition__c"} if each.declaration.method == "POST" else {}
        yield each, there.path(each, **new) + queries.get(each.declaration.path, "")


async def test_a_wrong_content_md5(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    content = parts("file@a.pdf=1")
    cases = [
        to(each, path, "INVALID_DATA", f"Content-MD5 [{md5}]", content=content, headers={**PARTS, "Content-MD5": md5}, stores=True)
        for md5 in ("0" * 32, "XrY7u+Ae7tCTyyK7j1rNww==", "none", "0")
        for each, path in uploads(there)
    ]  # fmt: skip
    assert len(TAKING_FILES) == 7
    assert await faults(http, vault, cases) == []


async def test_a_truncated_upload(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    whole = parts(f"file@a.pdf={'x' * 2_500_000}")
    cases = [
        to(each, path, "INVALID_DATA", "cut off", content=whole[:stop], headers=PARTS, stores=True)
        for stop in (30, 80, 2_000_000, -5)
        for each, path in uploads(there)
    ]
    assert await faults(http, vault, cases) == []


async def test_an_upload_without_a_file(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    bodies: tuple[tuple[bytes | None, dict[str, str]], ...] = (
        (None, {}),
        (b"file=a.txt", FORM),
        (parts("file@="), PARTS),
        (parts("files@a.pdf=1"), PARTS),
    )
    cases = [
        to(each, path, "PARAMETER_REQUIRED", "[file]", content=content, headers=headers, stores=headers is PARTS)
        for content, headers in bodies
        for each, path in uploads(there)
        # Without a file a document is a placeholder.
        if each.declaration.path != "/objects/documents"
    ]
    assert await faults(http, vault, cases) == []


async def test_a_file_of_a_bad_name(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    names = {"..": "[..]", "a/..": "[..]", ".": "[.]", "a\x01b.pdf": "[a?b.pdf]", "a\x7fb.pdf": "[a?b.pdf]"}
    names |= {"x" * 219: f"[{'x' * 60}...]", "   ": "no name"}
    cases = [
        to(each, path, "INVALID_DATA", shown, content=parts(f"file@{name}=1"), headers=PARTS, stores=True)
        for name, shown in names.items()
        for each, path in uploads(there)
        if not path.startswith(STAGING)
    ]
    assert await faults(http, vault, cases) == []


# Every call that takes rows.

ROWS = [
    ({}, b"", "at least one row"),
    (TYPED, b"[]", "at least one row"),
    (TYPED, b'{"id": "1"}', "at least one row"),
    (TYPED, b'["1"]', "array of objects"),
    (TYPED, b'[{"id": "1\\u0000"}]', "[id] holds a NUL"),
    (CSV, b"id\n", "at least one row"),
    (CSV, b"\n1\n2\n", "header row"),
    (CSV, b"id,,x\n1,2,3\n", "['id', '', 'x']"),
    (CSV, b"id,id\n1,2\n", "['id', 'id']"),
    (CSV, b"id\n1\n2,3\n", "Row 2 of the CSV body has 2 values"),
    (CSV, b'id\n"1\n', "CSV body cannot be read"),
    (CSV, b"id\n\xe9\n", "byte 3 is 0xe9"),
    (CSV, b"id,name__v\n1,a\0b\n", "NUL"),
    (FORM, b"\xff\xfe", "byte 0 is 0xff"),
]


async def test_bad_rows(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    cases = [
        to(each, there.path(each), "INVALID_DATA", shows, content=content, headers=headers)
        for headers, content, shows in ROWS
        for each in TAKING_ROWS
    ]
    assert len(TAKING_ROWS) == 4
    assert await faults(http, vault, cases) == []


def table(count: int) -> bytes:
    rows = b"".join(b"%d,0,1\n" % number for number in range(1, count + 1))
    return b"id,major_version_number__v,minor_version_number__v\n" + rows


# A line for each case that belongs to one call; {id} and {job_id} are there.

MIGRATION = {**FORM, "X-VaultAPI-MigrationMode": "true"}
CASES = [
    Bad("CSV without a header to delete", "DELETE", f"{DOCUMENTS}/batch", "INVALID_DATA", "[318]", b"318\n319\n", CSV),
    Bad("CSV without a header to create", "POST", f"{DOCUMENTS}/batch", "INVALID_DATA", "[A, General]", b"A,General\nB,General\n", CSV),
    Bad("CSV without a header to export", "POST", EXPORT, "PARAMETER_REQUIRED", "[id] in row 1", b"318\n319\n", CSV),
    Bad("501 rows to create", "POST", f"{DOCUMENTS}/batch", "INVALID_DATA", "501 rows; 500", b"name__v\n" + b"A\n" * 501, CSV),
    Bad("501 rows to delete", "DELETE", f"{DOCUMENTS}/batch", "INVALID_DATA", "501 rows; 500", table(501), CSV),
    Bad("501 JSON rows", "DELETE", f"{DOCUMENTS}/batch", "INVALID_DATA", "501 rows", json.dumps([{"id": 1}] * 501).encode(), TYPED),
    Bad("10,001 documents", "POST", EXPORT, "INVALID_DATA", "10001 versions; 10000", table(10_001), CSV),
    Bad("10,001 versions", "POST", EXPORT_VERSIONS, "INVALID_DATA", "10001 versions", table(10_001), CSV),
    Bad("a huge id in a row", "POST", EXPORT, "INVALID_DATA", f"[{'9' * 40}] specified for parameter [id] in row 2", b'[{"id":1},{"id":"%s"}]' % (b"9" * 40), TYPED),
    Bad("a word for an id", "POST", EXPORT, "INVALID_DATA", "[x7] specified for parameter [id] in row 2", b"id\n1\nx7\n", CSV),
    Bad("a list for an id", "POST", EXPORT, "INVALID_DATA", "[[7]] specified for parameter [id] in row 1", b'[{"id":[7]}]', TYPED),
    Bad("a row without an id", "POST", EXPORT, "PARAMETER_REQUIRED", "[id] in row 2", b'[{"id":1},{"name":"x"}]', TYPED),
    Bad("a row without its version", "POST", EXPORT_VERSIONS, "PARAMETER_REQUIRED", "[major_version_number__v] in row 1", b"id\n1\n", CSV),
    Bad("a wrong field to delete by", "DELETE", f"{DOCUMENTS}/batch?idParam=name__v", "INVALID_DATA", "[name__v]", b"id\n1\n", CSV),
    Bad("nothing to export", "POST", f"{EXPORT}?source=False", "INVALID_DATA", "[source]", b"id\n1\n", CSV),
    Bad("results too early", "GET", f"{EXPORT}/{{job_id}}/results", "OPERATION_NOT_ALLOWED", "QUEUEING"),
    Bad("no kind", "POST", STAGING, "PARAMETER_REQUIRED", "[kind]", b"path=a", FORM),
    Bad("no path", "POST", STAGING, "PARAMETER_REQUIRED", "[path]", b"kind=file", FORM),
    Bad("a wrong kind", "POST", STAGING, "INVALID_DATA", "[link] specified for parameter [kind]", b"kind=link&path=a", FORM),
    Bad("a folder that exists", "POST", STAGING, "ITEM_NAME_EXISTS", "[/kept]", b"kind=folder&path=/kept/", FORM),
    Bad("a file that exists", "POST", STAGING, "ITEM_NAME_EXISTS", "[/kept/a.txt]", parts("kind=file", "path=kept/a.txt", "file@x=1"), PARTS, stores=True),
    Bad("a folder below a file", "POST", STAGING, "INVALID_DATA", "[/kept/a.txt]", b"kind=folder&path=kept/a.txt/b", FORM),
    Bad("a file for a root", "POST", STAGING, "INVALID_DATA", "[/]", parts("kind=file", "path=/", "file@x=1"), PARTS, stores=True),
    Bad("a download of a folder", "GET", f"{STAGING}/content/kept", "INVALID_DATA", "[/kept] is a folder"),
    Bad("a cursor that is none", "GET", f"{STAGING}?cursor=abc", "INVALID_DATA", "[abc]"),
    Bad("a list as CSV", "GET", f"{STAGING}?format_result=csv", "INVALID_DATA", "[csv]"),
    Bad("a range that is none", "GET", f"{STAGING}/content/kept/a.txt", "INVALID_DATA", "[pages=1]", None, {"Range": "pages=1"}),
    Bad("a range behind the end", "GET", f"{STAGING}/content/kept/a.txt", "INVALID_DATA", "[bytes=4-]", None, {"Range": "bytes=4-"}),
    Bad("no user name", "POST", f"{V}/auth", "PARAMETER_REQUIRED", "[username]", b"password=x", FORM),
    Bad("no password", "POST", f"{V}/auth", "NO_PASSWORD_PROVIDED", "password", b"username=x", FORM),
    Bad("an unknown user", "POST", f"{V}/auth", "USERNAME_OR_PASSWORD_INCORRECT", "nora@x", b"username=nora@x&password=y", FORM),
    Bad("a list for a user name", "POST", f"{V}/auth", "INVALID_DATA", "parameter [username]", b'{"username":["a"]}', TYPED),
    Bad("an unknown filter", "GET", f"{DOCUMENTS}?named_filter=Mine", "INVALID_FILTER", "[Mine]"),
    Bad("an unknown order", "GET", f"{DOCUMENTS}?sort=none%20ASC", "INVALID_DATA", "[none ASC]"),
    Bad("an unknown scope", "GET", f"{DOCUMENTS}?versionscope=some", "INVALID_DATA", "[some]"),
    Bad("an unknown order of users", "GET", f"{V}/objects/users?sort=name", "INVALID_DATA", "[name] specified for parameter [sort]"),
    Bad("a limit above the most", "GET", f"{DOCUMENTS}?limit=201", "INVALID_DATA", "[201] specified for parameter [limit]"),
    Bad("a limit of nothing", "GET", f"{V}/services/jobs/histories?limit=0", "INVALID_DATA", "[0] specified for parameter [limit]"),
    Bad("a job status that is none", "GET", f"{V}/services/jobs/histories?status=success,done", "INVALID_DATA", "[done]"),
    Bad("a status of other lists", "GET", f"{V}/services/jobs/monitors?status=success", "INVALID_DATA", "[success]"),
    Bad("a date that is none", "GET", f"{V}/services/jobs/histories?start_date=tomorrow", "INVALID_DATA", "[tomorrow] specified for parameter [start_date]"),
    Bad("a day that no month has", "GET", f"{V}/services/jobs/monitors?end_date=2026-02-30", "INVALID_DATA", "[2026-02-30]"),
    Bad("no name", "POST", DOCUMENTS, "PARAMETER_REQUIRED", "[name__v]", b"type__v=General&lifecycle__v=General Lifecycle", FORM),
    Bad("an unknown type", "POST", DOCUMENTS, "INVALID_DATA", "[No Such]", b"name__v=A&type__v=No Such", FORM),
    Bad("an unknown lifecycle", "POST", DOCUMENTS, "INVALID_DATA", "[No Such]", b"name__v=A&type__v=General&lifecycle__v=No Such", FORM),
    Bad("a name that is too long", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[name__v] has 101 characters", b"name__v=" + b"x" * 101, FORM),
    Bad("a name with a line end", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[name__v] has a control character, which is not allowed: [a?b]", b"name__v=a%0Ab", FORM),
    Bad("an external id with a bell", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[external_id__v] has a control character", b"external_id__v=a%07b", FORM),
    Bad("an external id that is taken", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[SOP-1]", b"external_id__v=SOP-1", FORM),
    Bad("an unknown template", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[SOP]", b"fromTemplate=SOP", FORM),
    Bad("a wrong version number", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[x]", b"major_version_number__v=x&minor_version_number__v=1", MIGRATION),
    Bad("the version 0.0", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "0.0", b"major_version_number__v=0&minor_version_number__v=0", MIGRATION),
    Bad("half of a version number", "POST", f"{DOCUMENTS}?{GENERAL}", "PARAMETER_REQUIRED", "[minor_version_number__v]", b"major_version_number__v=1", MIGRATION),
    Bad("an unknown status", "POST", f"{DOCUMENTS}?{GENERAL}", "INVALID_DATA", "[Burnt]", b"status__v=Burnt", MIGRATION),
    Bad("no draft", "POST", f"{DOCUMENTS}/{{id}}", "PARAMETER_REQUIRED", "[createDraft]"),
    Bad("an unknown draft", "POST", f"{DOCUMENTS}/{{id}}", "INVALID_DATA", "[some]", b"createDraft=some", FORM),
    Bad("a file that is not checked out", "POST", f"{DOCUMENTS}/{{id}}", "OPERATION_NOT_ALLOWED", "[createDraft]", parts("file@a.txt=1"), PARTS, stores=True),
    Bad("a description that is too long", "POST", f"{DOCUMENTS}/{{id}}", "INVALID_DATA", "1501 characters", b"createDraft=latestContent&description__v=" + b"x" * 1501, FORM),
    Bad("a rendition that is there", "POST", f"{DOCUMENTS}/{{id}}/renditions/{VIEWABLE}", "INVALID_DATA", f"[{VIEWABLE}] already", parts("file@a.pdf=1"), PARTS, stores=True),
    Bad("a rendition that is not there", "PUT", f"{DOCUMENTS}/{{id}}/versions/0/1/renditions/{VIEWABLE}", "INVALID_DATA", f"[{VIEWABLE}]", parts("file@a.pdf=1"), PARTS, stores=True),
    Bad("no steady state", "GET", f"{DOCUMENTS}/{{id}}/renditions/{VIEWABLE}?steadyState=True", "INVALID_DATA", "no steady state"),
]  # fmt: skip


async def test_what_one_call_refuses(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    cases = [replace(case, path=case.path.format_map(there.values)) for case in CASES]
    assert await faults(http, vault, cases) == []


NAMES = {"..": "[..]", "a/../b": "[..]", ".": "[.]", "a/./b": "[.]", "a\\..\\b": "[a\\..\\b]", "a\nb": "[a?b]"}
NAMES |= {
    "a\x01": "[a?]",
    "\x7f": "[?]",
    "a\x85b": "[a?b]",
    "x" * 219: "219 bytes",
    "/".join(["x" * 200] * 10): "2000 bytes",
}


async def test_a_bad_name_on_file_staging(there: Furnished, http: httpx.AsyncClient, vault: Vault) -> None:
    file = {"content": parts("file@a=1"), "headers": PARTS, "stores": True}
    cases = []
    for path, shown in NAMES.items():
        quoted = "".join("/" if byte == ord("/") else f"%{byte:02x}" for byte in path.encode())
        for method, url, more in (
            ("POST", f"{STAGING}?kind=folder&path={quoted}", {}),
            ("POST", f"{STAGING}?kind=file&path={quoted}", file),
            ("GET", f"{STAGING}/{quoted}", {}),
            ("GET", f"{STAGING}?item={quoted}", {}),
            ("GET", f"{STAGING}/content/{quoted}", {}),
        ):
            cases.append(Bad(f"{method} {url[:150]}", method, url, "INVALID_DATA", shown, **more))  # type: ignore[arg-type]
    assert await faults(http, vault, cases) == []


ROW_CASES = [
    ("POST", {"name__v": "A", "type__v": "No Such"}, "INVALID_DATA", "[No Such]"),
    ("POST", {"type__v": "General", "lifecycle__v": "General Lifecycle"}, "PARAMETER_REQUIRED", "[name__v]"),
    ("POST", {"file": "none.txt"}, "INVALID_DATA", "[none.txt]"),
    ("POST", {"file": "a/../b"}, "INVALID_DATA", "[..]"),
    ("POST", {"file": "a\nb"}, "INVALID_DATA", "[a?b]"),
    ("POST", {"file": "kept"}, "INVALID_DATA", "[kept]"),
    ("DELETE", {"id": "9" * 40}, "INVALID_DATA", "9" * 40),
    ("DELETE", {"id": "-1"}, "INVALID_DATA", "[-1]"),
    ("DELETE", {"id": "1.5"}, "INVALID_DATA", "[1.5]"),
    ("DELETE", {"id": "2147483647"}, "INVALID_DATA", "[2147483647]"),
    ("DELETE", {"external_id__v": "A"}, "PARAMETER_REQUIRED", "[id]"),
    ("DELETE", {"id": {"a": 1}}, "INVALID_DATA", '{"a":1}'),
]


async def test_a_bad_row_of_a_batch_fails_alone(there: Furnished, http: httpx.AsyncClient) -> None:
    before = (await http.get(DOCUMENTS)).json()
    for method, row, kind, shows in ROW_CASES:
        reply = await http.request(method, f"{DOCUMENTS}/batch", json=[row])
        result = reply.json()["data"][0]
        assert result["responseStatus"] == "FAILURE"
        assert (result["errors"][0]["type"], shows in result["errors"][0]["message"]) == (kind, True), result
    assert (await http.get(DOCUMENTS)).json() == before
