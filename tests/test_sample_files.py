"""The sample Vault's files: each is what its name says, and the tool that made them makes the same bytes again."""

import csv
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader

from strongroom import catalog

ROOT = Path(__file__).parent.parent
FILES = sorted((catalog.sample().parent / "files").iterdir())
PLAIN = {".txt", ".csv"}


def of(*suffixes: str) -> list[Path]:
    return [file for file in FILES if file.suffix in suffixes]


def test_there_are_files_of_several_types_and_they_stay_small() -> None:
    assert {file.suffix for file in FILES} == {".pdf", ".docx", ".xlsx", ".png", *PLAIN}
    assert sum(file.stat().st_size for file in FILES) < 400_000


def test_the_tool_makes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools/make_sample.py", tmp_path], check=True, stdout=subprocess.DEVNULL)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {f.name: f.read_bytes() for f in FILES}


@pytest.mark.parametrize("file", of(".pdf"), ids=lambda file: file.name)
def test_every_page_of_a_pdf_can_be_read(file: Path) -> None:
    with file.open("rb") as stream:
        reader = PdfReader(stream, strict=True)
        pages = [page.extract_text() for page in reader.pages]
        title = reader.metadata.title if reader.metadata else None
    assert title
    for number, page in enumerate(pages, 1):
        assert "Fernhill Laboratories" in page
        assert f"Page {number} of {len(pages)}" in page
    assert title in pages[0]


def test_pdf_text_keeps_its_special_letters() -> None:
    plan, deviation = (next(f for f in FILES if f.name == n) for n in ("validation-plan.pdf", "deviation-report.pdf"))
    assert "Tomás Rey" in PdfReader(plan).pages[0].extract_text()
    assert "8.0 °C" in PdfReader(deviation).pages[0].extract_text()


@pytest.mark.parametrize("file", of(".docx", ".xlsx"), ids=lambda file: file.name)
def test_an_office_file_is_a_package_whose_parts_are_declared(file: Path) -> None:
    with zipfile.ZipFile(file) as package:
        assert package.testzip() is None
        parts = {name: ET.fromstring(package.read(name)) for name in package.namelist()}
    assert next(iter(parts)) == "[Content_Types].xml"
    types = parts["[Content_Types].xml"]
    declared = {each.get("PartName") for each in types if each.get("PartName")}
    assert declared == {f"/{name}" for name in parts if not name.endswith((".rels", "[Content_Types].xml"))}
    for name, part in parts.items():
        if name.endswith(".rels"):
            base = Path(name).parent.parent
            assert {str(base / str(relation.get("Target"))) for relation in part} <= set(parts)


def test_the_cleaning_sop_grows_from_version_to_version() -> None:
    texts = [_words(file) for file in FILES if file.name.startswith("cleaning-sop") and file.suffix == ".docx"]
    assert ["Take three swabs" in text for text in texts] == [False, True, True]
    assert ["open a deviation" in text for text in texts] == [False, False, True]


@pytest.mark.parametrize("file", of(".png"), ids=lambda file: file.name)
def test_a_png_has_sound_chunks_and_all_its_pixels(file: Path) -> None:
    chunks = _chunks(file.read_bytes())
    assert [name for name, _ in chunks] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, colour) == (4, 3)
    pixels = zlib.decompress(chunks[2][1])
    assert len(pixels) == height * (1 + width // 2)
    assert len(set(pixels)) > 5
    colours = len(chunks[1][1]) // 3
    assert max(max(pixel >> 4, pixel & 15) for pixel in pixels) < colours


@pytest.mark.parametrize("file", of(*PLAIN), ids=lambda file: file.name)
def test_text_is_utf8_and_tables_are_even(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.endswith("\n")
    if file.suffix == ".csv":
        rows = list(csv.reader(text.splitlines()))
        assert len(rows) > 3
        assert {len(row) for row in rows} == {len(rows[0])}


def _words(file: Path) -> str:
    with zipfile.ZipFile(file) as package:
        return " ".join(ET.fromstring(package.read("word/document.xml")).itertext())


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, place = [], 8
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(name + body),)
        chunks.append((name, body))
        place += 12 + length
    return chunks
