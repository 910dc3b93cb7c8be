"""Reads ``multipart/form-data`` as a stream: fields are kept, the file goes piece by piece to where it is stored."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header

from strongroom.domain.errors import ExceedsFileMaxSize, InvalidData

Stored = TypeVar("Stored")
Store = Callable[[AsyncIterator[bytes]], Awaitable[Stored]]

FILE_PART = "file"
FIELDS_LIMIT = 16 * 1024 * 1024
PARTS_LIMIT = 2000
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Part:
    """The head of a part. ``filename`` is None for a field."""

    name: str
    filename: str | None


_Event = Part | bytes | None
"""A part begins, brings bytes, ends."""


async def read(
    chunks: AsyncIterator[bytes], content_type: str, store: Store[Stored] | None, file_limit: int
) -> tuple[dict[str, str], tuple[str, Stored] | None]:
    """Read a body: its fields, and the base name of the part ``file`` with what ``store`` made of it.

    Without ``store`` the file is passed over, as any unknown part is. Raises ``InvalidData`` for a body that is no
    multipart or ends early, ``ExceedsFileMaxSize`` for a file above ``file_limit`` bytes.
    """
    fields: dict[str, str] = {}
    file: tuple[str, Stored] | None = None
    budget = FIELDS_LIMIT
    async with aclosing(_events(chunks, _boundary(content_type))) as events:
        async for event in events:
            assert isinstance(event, Part), "a part begins"
            if event.filename is None:
                value = await _field(events, event.name, budget)
                budget -= len(value)
                fields[event.name] = _decoded(value)
            elif event.name == FILE_PART and store is not None and file is None:
                counted = _Counted(_pieces(events, file_limit))
                stored = await store(counted.pieces())
                # A form that was sent without choosing a file has this part, without name and bytes.
                file = (event.filename, stored) if event.filename or counted.size else None
            else:
                await _pass_over(events)
    return fields, file


def base_name(filename: str) -> str:
    """Take the last part of what may be a path on the client's machine, of whatever system."""
    return filename.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _boundary(content_type: str) -> bytes:
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise InvalidData("The header Content-Type of a multipart body must name its boundary.")
    return boundary


async def _events(chunks: AsyncIterator[bytes], boundary: bytes) -> AsyncGenerator[_Event, None]:
    collector = _Collector()
    try:
        parser = MultipartParser(boundary, collector.callbacks())  # type: ignore[arg-type]
        async for chunk in chunks:
            parser.write(chunk)
            for event in collector.events:
                yield event
            collector.events.clear()
    except FormParserError as error:
        raise InvalidData(f"The multipart body cannot be read: {error}") from error
    if parser.state != MultipartState.END:
        raise InvalidData("The multipart body ends before its closing boundary: the upload was cut off.")


async def _field(events: AsyncIterator[_Event], name: str, budget: int) -> bytes:
    value = bytearray()
    while isinstance(piece := await anext(events), bytes):
        value += piece
        if len(value) > budget:
            raise ExceedsFileMaxSize(f"The form fields, at [{name}], exceed {FIELDS_LIMIT // 1024**2} MB.")
    return bytes(value)


async def _pieces(events: AsyncIterator[_Event], limit: int) -> AsyncIterator[bytes]:
    """The bytes of one part, in pieces of about 1 MiB: the parser gives them in scraps."""
    total, given = 0, 0
    scraps: list[bytes] = []
    while isinstance(scrap := await anext(events), bytes):
        total += len(scrap)
        if total > limit:
            raise ExceedsFileMaxSize(f"The file exceeds the maximum size of {_written(limit)}.")
        scraps.append(scrap)
        if total - given >= _PIECE:
            yield b"".join(scraps)
            scraps, given = [], total
    if scraps:
        yield b"".join(scraps)


async def _pass_over(events: AsyncIterator[_Event]) -> None:
    while isinstance(await anext(events), bytes):
        pass


@dataclass
class _Counted:
    """A stream of bytes that remembers how many have passed."""

    source: AsyncIterator[bytes]
    size: int = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self.source:
            self.size += len(piece)
            yield piece


@dataclass
class _Collector:
    """Turns the parser's callbacks into a list of events."""

    events: list[_Event] = field(default_factory=list)
    parts: int = 0
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self.begin_part,
            "on_part_data": lambda data, start, end: self.events.append(data[start:end]),
            "on_part_end": lambda: self.events.append(None),
            "on_header_field": lambda data, start, end: self.header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self.header_value.extend(data[start:end]),
            "on_header_end": self.end_header,
            "on_headers_finished": self.finish_headers,
        }

    def begin_part(self) -> None:
        self.disposition = b""
        self.parts += 1
        if self.parts > PARTS_LIMIT:
            raise InvalidData(f"The multipart body has more than {PARTS_LIMIT} parts.")

    def end_header(self) -> None:
        if self.header_name.lower() == b"content-disposition":
            self.disposition = bytes(self.header_value)
        self.header_name.clear()
        self.header_value.clear()

    def finish_headers(self) -> None:
        _, options = parse_options_header(self.disposition)
        if b"name" not in options:
            raise InvalidData("A part of the multipart body has no name in its header Content-Disposition.")
        name = _decoded(options[b"name"])
        filename = _decoded(options[b"filename"]) if b"filename" in options else None
        if name == FILE_PART and filename is None:
            filename = ""
        self.events.append(Part(name, None if filename is None else base_name(filename)))


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _written(size: int) -> str:
    return f"{size // 1024**3} GB" if size >= 1024**3 else f"{size // 1024**2} MB"
