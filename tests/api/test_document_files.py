"""The files of documents: sources and renditions; and a file that is too large for memory."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

pytestmark = pytest.mark.anyio

DOCUMENTS = "/api/v26.1/objects/documents"
FIELDS = {"name__v": "Cleaning SOP", "type__v": "General", "lifecycle__v": "General Lifecycle"}
VIEWABLE = "viewable_rendition__v"


async def create(http: httpx.AsyncClient, content: bytes, filename: str) -> int:
    made: int = (await http.post(DOCUMENTS, data=FIELDS, files={"file": (filename, content)})).json()["id"]
    return made


async def test_download(http: httpx.AsyncClient) -> None:
    made = await create(http, b'{"a": 1}', "Maß & Zahl.json")
    for path in (f"{made}/file", f"{made}/versions/0/1/file", f"{made}/file?lockDocument=false"):
        reply = await http.get(f"{DOCUMENTS}/{path}", headers={"Range": "bytes=0-1"})
        assert reply.status_code == 200
        assert reply.content == b'{"a": 1}'
        assert reply.headers["content-type"] == "application/octet-stream;charset=UTF-8"
        assert (
            reply.headers["content-disposition"]
            == "attachment;filename=\"Ma_ & Zahl.json\";filename*=UTF-8''Ma%C3%9F%20%26%20Zahl.json"
        )
        assert reply.headers["content-length"] == "8"
    xml = await http.get(f"{DOCUMENTS}/{made}/versions/9/9/file", headers={"Accept": "application/xml"})
    assert "<type>INVALID_DATA</type>" in xml.text


async def test_renditions(http: httpx.AsyncClient) -> None:
    made = await create(http, b"source", "a.docx")
    place = f"{DOCUMENTS}/{made}/renditions"
    assert (await http.get(place)).json()["renditions"] == {}
    added = await http.post(f"{place}/{VIEWABLE}", files={"file": ("a.pdf", b"%PDF 1")})
    assert added.json() == {"responseStatus": "SUCCESS"}
    again = await http.post(f"{place}/{VIEWABLE}", files={"file": ("a.pdf", b"%PDF 1")})
    assert again.json()["responseStatus"] == "FAILURE"
    listed = (await http.get(place, headers={"Host": "vault.example.com"})).json()
    assert VIEWABLE in listed["renditionTypes"]
    assert listed["renditions"] == {VIEWABLE: f"https://vault.example.com{place}/{VIEWABLE}"}
    assert list((await http.get(f"{DOCUMENTS}/{made}")).json()["renditions"]) == [VIEWABLE]
    replaced = await http.put(
        f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}", files={"file": ("a.pdf", b"%PDF 2")}
    )
    assert replaced.json() == {"responseStatus": "SUCCESS"}
    for path in (f"{place}/{VIEWABLE}?steadyState=False", f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}"):
        assert (await http.get(path)).content == b"%PDF 2"
    steady = (await http.get(f"{place}/{VIEWABLE}?steadyState=true")).json()
    assert "steady state" in steady["errors"][0]["message"]
    assert (await http.delete(f"{place}/{VIEWABLE}")).json() == {"responseStatus": "SUCCESS"}
    assert (await http.get(f"{place}/{VIEWABLE}")).json()["errors"][0]["type"] == "INVALID_DATA"


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_rendition_needs_a_file_and_a_known_type(http: httpx.AsyncClient, method: str) -> None:
    made = await create(http, b"source", "a.docx")
    without = (await http.request(method, f"{DOCUMENTS}/{made}/renditions/{VIEWABLE}")).json()
    assert without["errors"][0] == {"type": "PARAMETER_REQUIRED", "message": "Missing required parameter [file]"}
    unknown = await http.request(method, f"{DOCUMENTS}/{made}/renditions/none__c", files={"file": ("a", b"1")})
    assert "[none__c]" in unknown.json()["errors"][0]["message"]


async def test_a_large_file_passes_through_in_pieces(http: httpx.AsyncClient) -> None:
    """100 MB, sent chunked: what comes back has the same checksum."""
    piece = bytes(range(256)) * 4096
    digest = hashlib.sha256()

    async def body() -> AsyncIterator[bytes]:
        for name, value in FIELDS.items():
            yield f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
        for _ in range(100):
            digest.update(piece)
            yield piece
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    made = (await http.post(DOCUMENTS, content=body(), headers=headers)).json()["id"]
    back = hashlib.sha256()
    async with http.stream("GET", f"{DOCUMENTS}/{made}/file") as reply:
        assert reply.headers["content-length"] == str(100 * len(piece))
        async for chunk in reply.aiter_bytes():
            back.update(chunk)
    assert back.digest() == digest.digest()
