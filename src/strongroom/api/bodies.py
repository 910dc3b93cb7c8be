"""Reads request bodies: forms of both kinds, JSON, CSV, or nothing, whatever the client thinks it sends."""

import csv
import io
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
import msgspec

from strongroom.api import declaration, multipart
from strongroom.domain.content import Content
from strongroom.domain.errors import ExceedsFileMaxSize, InvalidData

TEXT_LIMIT = 16 * 1024 * 1024
"""Bodies that are read whole: forms, JSON and CSV of 500 rows."""

_WORTH_A_THREAD = 64 * 1024

Store = Callable[[AsyncIterator[bytes]], Awaitable[Content]]


@dataclass(frozen=True)
class Upload:
    """A file that came with the request and is stored already. ``filename`` is a base name, and may be empty."""

    filename: str
    content: Content


@dataclass(frozen=True)
class Body:
    """What a request brought. ``rows`` is None unless the body was an array or a table."""

    fields: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] | None = None
    upload: Upload | None = None


async def read(
    chunks: AsyncIterator[bytes], headers: Mapping[str, str], expected: declaration.Body, store: Store
) -> Body:
    """Read a body by its content type; where that is missing or cannot be true, by its first character."""
    content_type = headers.get("content-type", "")
    name = content_type.partition(";")[0].strip().lower()
    if name == "multipart/form-data":
        takes_file = store if expected.file_limit else None
        fields, file = await multipart.read(chunks, content_type, takes_file, expected.file_limit)
        upload = Upload(*file) if file else None
        _check_md5(headers.get("content-md5"), upload)
        return Body(refuse_nul(fields), upload=upload)
    raw = await _whole(chunks)
    if not raw.strip():
        return Body()
    if len(raw) > _WORTH_A_THREAD:
        return await anyio.to_thread.run_sync(_parse, raw, name, expected)
    return _parse(raw, name, expected)


def query_fields(query_string: bytes) -> dict[str, str]:
    """Read the fields of a query string; of a repeated one the last counts."""
    if not query_string:
        return {}
    return refuse_nul(dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)))


def refuse_nul(fields: dict[str, Any]) -> dict[str, Any]:
    """Refuse the one character that no text of the database can hold."""
    for name, value in fields.items():
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            shown = name.replace("\0", "\\0")
            raise InvalidData(f"The value of [{shown}] holds a NUL character.")
    return fields


def as_text(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Give rows as a CSV file would: JSON numbers and booleans as text, lists separated by commas."""
    return [{name: _text(value) for name, value in row.items()} for row in rows]


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    pieces = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > TEXT_LIMIT:
            raise ExceedsFileMaxSize(f"The body exceeds the maximum size of {TEXT_LIMIT // 1024**2} MB for this call.")
        pieces.append(chunk)
    return b"".join(pieces)


def _parse(raw: bytes, name: str, expected: declaration.Body) -> Body:
    starts_like_json = raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"[", b"{"}
    if name == "application/json" or (starts_like_json and name != "text/csv" and expected.rows):
        return _json(raw)
    if name == "text/csv" or expected.rows:
        return Body(rows=_table(raw))
    return Body(refuse_nul(dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))))


def _json(raw: bytes) -> Body:
    try:
        value = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidData(f"The body is not valid JSON: {error}{_broken_part(raw, str(error))}.") from error
    if isinstance(value, dict):
        return Body(refuse_nul(value))
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InvalidData('The body must be a JSON array of objects, such as [{"id": "318"}].')
    return Body(rows=[refuse_nul(row) for row in value])


def _broken_part(raw: bytes, complaint: str) -> str:
    """Show where a JSON text breaks, if the parser says so: little of it, since what stands there may be a password."""
    named = re.search(r"\(byte (\d+)\)", complaint)
    if named is None:
        return f" after {len(raw)} bytes"
    place = int(named[1])
    return f", near [{raw[max(place - 8, 0) : place + 8].decode('utf-8', 'replace')}]"


def _table(raw: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        if not header or not all(header) or len(set(header)) != len(header):
            raise InvalidData(f"The CSV body must begin with a header row of different column names, not {header}.")
        rows = [row for row in reader if row]
    except UnicodeDecodeError as error:
        raise InvalidData(
            f"The CSV body is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}."
        ) from error
    except csv.Error as error:
        raise InvalidData(f"The CSV body cannot be read: {error}.") from error
    for number, row in enumerate(rows, 1):
        if len(row) > len(header):
            raise InvalidData(f"Row {number} of the CSV body has {len(row)} values, but the header has {len(header)}.")
    return [refuse_nul(dict(zip(header, row, strict=False))) for row in rows]


def _check_md5(declared: str | None, upload: Upload | None) -> None:
    """Compare the header ``Content-MD5``, in hex or base64, with what has arrived."""
    if not declared or upload is None:
        return
    actual = upload.content.md5
    if declared.strip().lower() != actual and declared.strip() != b64encode(bytes.fromhex(actual)).decode():
        raise InvalidData(f"The header Content-MD5 [{declared}] does not match the file, whose MD5 is [{actual}].")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(each) for each in value)
    return (
        value
        if isinstance(value, str)
        else msgspec.json.encode(value).decode()
        if isinstance(value, dict)
        else str(value)
    )
