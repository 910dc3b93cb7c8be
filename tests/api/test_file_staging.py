"""File staging: items listed, created and downloaded; and all that can be wrong with an upload."""

import asyncio
import base64
import hashlib
import itertools

import httpx
import pytest
from tests.api.http_server import logged_in

from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ITEMS = "/api/v26.1/services/file_staging/items"
NASTY = bytes(itertools.islice(itertools.cycle(b"\r\n--boundary\r\n\x00\xff--\r\n"), 3_000_017))


async def put(
    http: httpx.AsyncClient, path: str, content: bytes, filename: str = "x.bin", **fields: str
) -> httpx.Response:
    return await http.post(ITEMS, data={"kind": "file", "path": path, **fields}, files={"file": (filename, content)})


def error_of(reply: httpx.Response) -> tuple[str, str]:
    assert reply.status_code == 200
    body = reply.json()
    assert body["responseStatus"] == "FAILURE"
    return body["errors"][0]["type"], body["errors"][0]["message"]


@pytest.mark.parametrize("content", [b"", b"a", NASTY, b"\r\n" * 400_000], ids=["empty", "byte", "nasty", "line ends"])
async def test_a_file_comes_back_byte_for_byte(http: httpx.AsyncClient, content: bytes) -> None:
    reply = await put(http, "reports/a.csv", content)
    md5 = hashlib.md5(content).hexdigest()
    assert reply.json() == {
        "responseStatus": "SUCCESS",
        "data": {
            "kind": "file",
            "path": "/reports/a.csv",
            "name": "a.csv",
            "size": len(content),
            "file_content_md5": md5,
        },
    }
    back = await http.get(f"{ITEMS}/content//reports//a.csv")
    assert back.content == content
    assert back.headers["content-type"] == "application/octet-stream;charset=UTF-8"
    assert back.headers["content-disposition"] == 'attachment;filename="a.csv"'
    assert back.headers["content-length"] == str(len(content))
    assert back.headers["X-VaultAPI-Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-3", 0, 3), ("bytes=4-", 4, 9), ("bytes=-2", 8, 9), ("bytes=5-100", 5, 9), ("bytes=9-9", 9, 9)],
)
async def test_ranges(http: httpx.AsyncClient, wanted: str, first: int, last: int) -> None:
    await put(http, "a.bin", b"0123456789")
    reply = await http.get(f"{ITEMS}/content/a.bin", headers={"Range": wanted})
    assert reply.status_code == 200
    assert reply.content == b"0123456789"[first : last + 1]
    assert reply.headers["content-range"] == f"bytes {first}-{last}/10"


@pytest.mark.parametrize("wanted", ["bytes=10-11", "bytes=3-1", "bytes=0-1,3-4", "pages=1", "bytes=-", "bytes=-0"])
async def test_bad_ranges(http: httpx.AsyncClient, wanted: str) -> None:
    await put(http, "a.bin", b"0123456789")
    kind, message = error_of(await http.get(f"{ITEMS}/content/a.bin", headers={"Range": wanted}))
    assert kind == "INVALID_DATA"
    assert f"[{wanted}]" in message


@pytest.mark.parametrize("how", ["urlencoded", "multipart"])
async def test_folders(http: httpx.AsyncClient, how: str) -> None:
    fields = {"kind": "folder", "path": "/reports/2026/", "overwrite": "True", "name": "", "size": ""}
    if how == "urlencoded":
        reply = await http.post(ITEMS, data=fields)
    else:
        reply = await http.post(ITEMS, files={name: (None, value) for name, value in fields.items()})
    assert reply.json()["data"] == {"kind": "folder", "path": "/reports/2026", "name": "2026"}
    again = await http.post(ITEMS, data=fields)
    assert error_of(again)[0] == "ITEM_NAME_EXISTS"


async def test_lists(http: httpx.AsyncClient) -> None:
    for path in ("/b/2.txt", "/b/1.txt", "/content", "/c d/é.txt"):
        await put(http, path, b"12")
    listed = (await http.get(f"{ITEMS}/")).json()
    assert "responseDetails" not in listed
    assert [item["path"] for item in listed["data"]] == ["/b", "/c d", "/content"]
    folder, file = listed["data"][0], listed["data"][2]
    assert folder == {"kind": "folder", "path": "/b", "name": "b"}
    assert list(file) == ["kind", "path", "name", "size", "modified_date"]
    assert file["size"] == 2
    assert file["modified_date"].endswith("Z")
    below = (await http.get(f"{ITEMS}/c%20d")).json()["data"]
    assert [item["name"] for item in below] == ["é.txt"]
    assert (await http.get(f"{ITEMS}/content")).json()["data"][0]["kind"] == "file"


async def test_pages(http: httpx.AsyncClient) -> None:
    for number in range(5):
        await put(http, f"/p/{number}.txt", b"1")
    paths: list[str] = []
    url = f"{ITEMS}/p?limit=2&recursive=True"
    for _ in range(3):
        page = (await http.get(url, headers={"Host": "vault.example.com"})).json()
        paths += [item["path"] for item in page["data"]]
        if "responseDetails" not in page:
            break
        url = page["responseDetails"]["next_page"]
        assert url.startswith(f"https://vault.example.com{ITEMS}?cursor=")
        url = url.removeprefix("https://vault.example.com")
    assert paths == [f"/p/{number}.txt" for number in range(5)]


@pytest.mark.parametrize("field", ["kind", "path", "file"])
async def test_what_is_missing_is_named(http: httpx.AsyncClient, field: str) -> None:
    fields = {name: (None, value) for name, value in {"kind": "file", "path": "/a"}.items() if name != field}
    files: dict[str, object] = dict(fields) if field == "file" else {**fields, "file": ("a", b"1")}
    reply = await http.post(ITEMS, files=files)  # type: ignore[arg-type]
    assert error_of(reply) == ("PARAMETER_REQUIRED", f"Missing required parameter [{field}]")


async def test_overwrite(http: httpx.AsyncClient) -> None:
    await put(http, "/a", b"old")
    assert error_of(await put(http, "/a", b"new"))[0] == "ITEM_NAME_EXISTS"
    assert (await http.get(f"{ITEMS}/content/a")).content == b"old"
    assert (await put(http, "/a", b"new", overwrite="TRUE")).json()["responseStatus"] == "SUCCESS"
    assert (await http.get(f"{ITEMS}/content/a")).content == b"new"


@pytest.mark.parametrize("encoding", ["hex", "base64"])
async def test_content_md5(http: httpx.AsyncClient, encoding: str) -> None:
    def header(content: bytes) -> dict[str, str]:
        digest = hashlib.md5(content)
        return {
            "Content-MD5": digest.hexdigest().upper()
            if encoding == "hex"
            else base64.b64encode(digest.digest()).decode()
        }

    fields = {"kind": "file", "path": "/sum"}
    bad = await http.post(ITEMS, data=fields, files={"file": ("x", b"1")}, headers=header(b"2"))
    kind, message = error_of(bad)
    assert kind == "INVALID_DATA"
    assert header(b"2")["Content-MD5"] in message
    assert error_of(await http.get(f"{ITEMS}/content/sum"))[0] == "INVALID_DATA"
    good = await http.post(ITEMS, data=fields, files={"file": ("x", b"1")}, headers=header(b"1"))
    assert good.json()["responseStatus"] == "SUCCESS"


async def test_over_50_mb(http: httpx.AsyncClient) -> None:
    limit = 50 * 1024 * 1024
    kind, message = error_of(await put(http, "/big", bytes(limit + 1)))
    assert kind == "EXCEEDS_FILE_MAX_SIZE"
    assert "50 MB" in message
    assert (await put(http, "/big", bytes(limit))).json()["data"]["size"] == limit


@pytest.mark.parametrize("path", ["../a", "a/../b", "a\nb", "x" * 219])
async def test_bad_names(http: httpx.AsyncClient, path: str) -> None:
    assert error_of(await put(http, path, b"1"))[0] == "INVALID_DATA"
    assert (await http.get(ITEMS)).json()["data"] == []


def _multipart(*parts: str) -> bytes:
    return "".join(f"--b\r\n{part}\r\n" for part in parts).encode()


_HEAD = (
    'Content-Disposition: form-data; name="kind"\r\n\r\nfile',
    'Content-Disposition: form-data; name="path"\r\n\r\n/raw.txt',
)
_FILE = 'Content-Disposition: form-data; name="file"; filename="C:\\\\dir\\\\raw.txt"\r\nContent-Type: text/plain\r\n\r\nhello'


@pytest.mark.parametrize(
    ("body", "content_type", "names"),
    [
        (_multipart(*_HEAD, _FILE), "multipart/form-data; boundary=b", "cut off"),
        (_multipart(*_HEAD, _FILE) + b"--b--\r\n", "multipart/form-data", "boundary"),
        (_multipart(*_HEAD, _FILE) + b"--b--\r\n", "multipart/form-data; boundary=other", "cannot be read"),
        (b"", "multipart/form-data; boundary=b", "cut off"),
        (_multipart("Content-Type: text/plain\r\n\r\nx") + b"--b--\r\n", "multipart/form-data; boundary=b", "no name"),
    ],
)
async def test_broken_multipart(http: httpx.AsyncClient, body: bytes, content_type: str, names: str) -> None:
    reply = await http.post(ITEMS, content=body, headers={"Content-Type": content_type})
    kind, message = error_of(reply)
    assert kind == "INVALID_DATA"
    assert names in message
    assert (await http.get(ITEMS)).json()["data"] == []


@pytest.mark.parametrize("order", ["file first", "file last"])
async def test_fields_may_stand_on_either_side_of_the_file(http: httpx.AsyncClient, order: str) -> None:
    parts = (_FILE, *_HEAD) if order == "file first" else (*_HEAD, _FILE)
    body = _multipart(*parts) + b"--b--\r\nafter the end"
    reply = await http.post(ITEMS, content=body, headers={"Content-Type": 'multipart/form-data; boundary="b"'})
    assert reply.json()["data"]["path"] == "/raw.txt"
    assert (await http.get(f"{ITEMS}/content/raw.txt")).text == "hello"


async def test_a_client_that_leaves_in_the_middle(http: httpx.AsyncClient, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = _multipart(*_HEAD, _FILE)
    writer.write(
        f"POST {ITEMS} HTTP/1.1\r\nHost: x\r\nAuthorization: {http.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body) + 100}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert reader.at_eof() or await reader.read() == b""
    assert (await http.get(ITEMS)).json()["data"] == []


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.txt", 'attachment;filename="a b.txt"'),
        ("é.txt", "attachment;filename=\"_.txt\";filename*=UTF-8''%C3%A9.txt"),
        ('q".txt', "attachment;filename=\"q_.txt\";filename*=UTF-8''q%22.txt"),
        ("b\\.txt", "attachment;filename=\"b_.txt\";filename*=UTF-8''b%5C.txt"),
    ],
)
async def test_names_of_downloads(http: httpx.AsyncClient, name: str, header: str) -> None:
    await put(http, f"/{name}", b"1")
    reply = await http.get(f"{ITEMS}/content/{name}")
    assert reply.headers["content-disposition"] == header


async def test_other_users(http: httpx.AsyncClient, vault: Vault, port: int) -> None:
    made = await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "n@x", password="open sesame"))
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        assert (await put(nora, "a.txt", b"hers")).json()["data"]["path"] == "/a.txt"
        assert (await http.get(f"{ITEMS}/content/u{made}/a.txt")).content == b"hers"
        assert (await nora.get(f"{ITEMS}/content/u{made}/a.txt")).content == b"hers"
        assert error_of(await nora.get(f"{ITEMS}/u1"))[0] == "INSUFFICIENT_ACCESS"


@pytest.mark.parametrize("path", ["content/none", "content", "none", "?cursor=abc", "?limit=0", "?recursive=maybe"])
async def test_what_is_not_there(http: httpx.AsyncClient, path: str) -> None:
    separator = "" if path.startswith("?") else "/"
    assert error_of(await http.get(f"{ITEMS}{separator}{path}"))[0] == "INVALID_DATA"
