"""What a written sample document is made of, before it is turned into DOCX or PDF."""

from dataclasses import dataclass

COMPANY = "Fernhill Laboratories"


@dataclass(frozen=True)
class Heading:
    """The title of a chapter."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Step:
    """One step of a procedure; steps that follow each other are numbered from 1."""

    text: str


@dataclass(frozen=True)
class Grid:
    """A table; its first row is the head. Every row has the same number of cells."""

    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Step | Grid


@dataclass(frozen=True)
class Paper:
    """A document with a title, its number, its version, the date it was written (ISO) and its text."""

    title: str
    number: str
    version: str
    date: str
    blocks: tuple[Block, ...]
