"""Seed files: read, checked, and every mistake named with its file, table and key."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from strongroom.domain.seed import Seed, SeedError

IDENTITIES = ("external_id__v", "user_name__v", "name__v", "name", "path", "number")
WORDS = {"str": "text", "int": "whole number", "bool": "boolean", "array": "list", "object": "table", "null": "nothing"}
PLACED = re.compile(r"(?P<problem>.*) - at `(?:key in )?\$(?P<path>.*?)`", re.DOTALL)
UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
MISSING = re.compile(r"Object missing required field `(.*)`")
EXPECTED = re.compile(r"Expected `(.*)`, got `(.*)`")
STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def load(path: Path) -> Seed:
    """Read a seed file. Files named in it must exist; a relative name is seen from the seed file's folder."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SeedError(f"The seed file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SeedError(f"The seed file {path} is not UTF-8: byte {error.start + 1} is wrong.") from error
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and tables in tables in tables
        raise SeedError(f"The seed file {path} is not TOML: {error}.") from error
    return _seed(path, tables)


def _seed(path: Path, tables: dict[str, Any]) -> Seed:
    if "source" in tables:
        raise SeedError(f"Seed file {path}: there is no key [source].")
    folder = path.resolve().parent

    def decode(kind: type, value: Any) -> Any:
        assert kind is Path
        return value if isinstance(value, Path) else _file(folder, value)

    try:
        return msgspec.convert(tables | {"source": path.resolve()}, Seed, dec_hook=decode)
    except msgspec.ValidationError as error:
        raise SeedError(f"Seed file {path}{_sentence(str(error), tables)}") from error


def _file(folder: Path, name: Any) -> Path:
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected the name of a file, not [{name}]")
    found = (folder / name).resolve()
    if not Path(name).is_absolute() and not found.is_relative_to(folder):
        raise ValueError(
            f"the file [{name}] is outside the seed file's folder; give its absolute path if that is meant"
        )
    if not found.is_file():
        raise ValueError(f"there is no file [{found}]")
    return found


def _sentence(problem: str, tables: dict[str, Any]) -> str:
    """Place and problem: ", [[users]] 2 (nora@acme.example), key user_email__v: expected a text, not a boolean."."""
    placed = PLACED.fullmatch(problem)
    place = _place(placed["path"], tables) if placed else ""
    return f"{place}: {_reworded(placed['problem'] if placed else problem)}."


def _reworded(problem: str) -> str:
    if unknown := UNKNOWN.fullmatch(problem):
        return f"there is no key [{unknown[1]}]"
    if missing := MISSING.fullmatch(problem):
        return f"the key [{missing[1]}] is missing"
    if expected := EXPECTED.fullmatch(problem):
        wanted = " or ".join(WORDS.get(word, word) for word in expected[1].split(" | ") if word != "null")
        return f"expected a {wanted}, not a {WORDS.get(expected[2], expected[2])}"
    return problem


def _place(path: str, tables: dict[str, Any]) -> str:
    """Where in the file: each table by its number, counted from 1, and by what it is known by."""
    words = []
    here: Any = tables
    name = ""
    for key, index in STEP.findall(path):
        if key:
            here, name = here.get(key) if isinstance(here, dict) else None, key
            words.append(f"key {key}")
        elif index != "..." and isinstance(here, list):
            here = here[int(index)]
            shown = f"[[{name}]]" if len(words) == 1 else name
            words[-1] = f"{shown} {int(index) + 1}{_identity(here)}"
    return "".join(f", {word}" for word in words)


def _identity(table: Any) -> str:
    if not isinstance(table, dict):
        return ""
    known = next((table[key] for key in IDENTITIES if isinstance(table.get(key), str)), None)
    return "" if known is None else f" ({known})"
