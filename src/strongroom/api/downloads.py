"""Answers with the bytes of a file, or a range of them."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from strongroom.api.call import Call
from strongroom.domain.errors import InvalidData
from strongroom.services import contents

CONTENT_TYPE = "application/octet-stream;charset=UTF-8"
RANGE_LIMIT = 50 * 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_NEEDS_FALLBACK = re.compile(r'[^\x20-\x7e]|["\\]')


@dataclass(frozen=True)
class File:
    """What is sent: the content, under which name, and its size in bytes."""

    content_id: int
    filename: str
    size: int


async def send(call: Call, file: File, *, ranges: bool = False) -> Response:
    """Answer with a file. Its first piece is read before the first byte goes out: until then an error is an envelope.

    A range is answered with 200 and ``Content-Range``: a strict client takes 206 for a failure.
    """
    wanted = _wanted(call.headers.get("range"), file.size) if ranges else None
    first, stop = wanted or (0, file.size)
    headers = {"content-disposition": disposition(file.filename), "content-length": str(stop - first)}
    if wanted:
        headers["content-range"] = f"bytes {first}-{stop - 1}/{file.size}"
    pieces = contents.read(call.vault, file.content_id, first, stop)
    opening = await anext(pieces, b"")
    return StreamingResponse(_following(opening, pieces), headers=headers, media_type=CONTENT_TYPE)


def disposition(filename: str) -> str:
    """Write ``Content-Disposition``: an ASCII name always, the true one beside it where it is not ASCII."""
    name = _UNPRINTABLE.sub("_", filename)
    plain = f'attachment;filename="{_NEEDS_FALLBACK.sub("_", name)}"'
    if not _NEEDS_FALLBACK.search(name):
        return plain
    return f"{plain};filename*=UTF-8''{quote(name, safe='')}"


def _wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """Read the header ``Range`` as a first byte and the one after the last; None if it is absent."""
    if not header:
        return None
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if not found or found[0] == "bytes=-":
        raise InvalidData(f"The header Range [{header}] is not of the form bytes={{min}}-{{max}}.")
    if found[1]:
        first, stop = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
    else:
        first, stop = max(size - int(found[2]), 0), size
    if first >= stop:
        raise InvalidData(f"The header Range [{header}] lies beyond the file, which has {size} bytes.")
    if stop - first > RANGE_LIMIT:
        raise InvalidData(f"The header Range [{header}] asks for {stop - first} bytes; {RANGE_LIMIT} are the most.")
    return first, stop


async def _following(opening: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield opening
        async for piece in pieces:
            yield piece
