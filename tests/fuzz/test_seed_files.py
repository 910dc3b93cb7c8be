"""Seed files: whatever is in one, it is taken whole, or refused with a sentence that names the file. Never a traceback."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.edge import Edge
from tests.fuzz.profiles import fuzzed

from strongroom.domain.seed import SeedError
from strongroom.services import seeding

GOOD: dict[str, Any] = {
    "users": [{"user_name__v": "nora@acme.example", "user_first_name__v": "N", "user_last_name__v": "L", "user_email__v": "n@acme.example", "password": "x", "user_timezone__v": "Europe/Berlin", "active__v": True}],
    "rendition_types": [{"name": "scan__c", "label": "Scan"}],
    "document_lifecycles": [{"name": "short__c", "label": "Short", "states": [{"name": "draft__c", "label": "Draft", "initial": True}, {"name": "done__c", "label": "Done", "steady": True}]}],
    "document_fields": [{"name": "colour__c", "label": "Colour", "type": "Picklist", "values": [{"name": "red__c", "label": "Red"}]}, {"name": "size__c", "label": "Size", "type": "Number"}],
    "document_types": [{"name": "note__c", "label": "Note", "lifecycles": ["short__c"], "renditions": ["scan__c"], "subtypes": [{"name": "memo__c", "label": "Memo", "classifications": [{"name": "own__c", "label": "Own"}]}]}],
    "documents": [{"name__v": "A", "type__v": "Note", "subtype__v": "Memo", "lifecycle__v": "Short", "external_id__v": "A-1", "fields": {"colour__c": "red__c"},
                   "versions": [{"number": "0.1", "file": "here.txt", "fields": {"size__c": 3}}, {"number": "1.0", "status__v": "Done", "renditions": {"scan__c": "here.txt"}}]}],
    "file_staging": [{"path": "a/b.txt", "file": "here.txt"}, {"path": "c", "user_name__v": "nora@acme.example"}],
}  # fmt: skip

texts = st.one_of(st.sampled_from(["", " ", "..", "a/b", "here.txt", "/etc/passwd", "x__c", "note__c", "Note", "0.1", "2.0", "99999.1", "A-1", "x" * 300]),
                  st.text(st.characters(exclude_categories=["Cs"]), max_size=10))  # fmt: skip
scalars = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.datetimes(timezones=st.timezones()),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)


def _places(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, each in inner for found in _places(each, (*place, key)))]


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The good seed with something else at one to three of its places, a key less, a key more, or an entry twice."""
    seed = json.loads(json.dumps(GOOD))
    for place in draw(st.lists(st.sampled_from([place for place in _places(GOOD) if place]), min_size=1, max_size=3)):
        _spoil(draw, seed, place)
    return "".join(f"{_key(name)} = {_toml(value)}\n" for name, value in seed.items())


def _spoil(draw: st.DrawFn, seed: Any, place: tuple[str | int, ...]) -> None:
    try:
        for step in place[:-1]:
            seed = seed[step]
        old = seed[place[-1]]
    except (KeyError, IndexError, TypeError):
        return  # it went away with what was spoilt before
    if isinstance(seed, str):
        return
    deed = draw(st.sampled_from(["other", "other", "less", "more", "twice"]))
    if deed == "less":
        del seed[place[-1]]
    elif deed == "more" and isinstance(old, dict):
        old[draw(texts)] = draw(values)
    elif deed == "twice" and isinstance(old, list) and old:
        old.append(old[0])
    else:
        seed[place[-1]] = draw(values)


@given(text=spoilt())
@fuzzed(80)
def test_a_spoilt_seed(edge: Edge, tmp_path: Path, text: str) -> None:
    (tmp_path / "here.txt").write_text("here")
    path = tmp_path / "acme.toml"
    path.write_text(text, encoding="utf-8")
    with refused_by_a_sentence(path):
        seed = seeding.load(path)
        edge.portal.call(seeding.apply, edge.vault, seed)
        assert edge.portal.call(seeding.apply, edge.vault, seed) == seeding.Made()


@contextmanager
def refused_by_a_sentence(path: Path) -> Iterator[None]:
    """A refusal is as good as none, if it is a sentence that names the file."""
    try:
        yield
    except SeedError as error:
        if str(path) not in error.message or not error.message.endswith("."):
            pytest.fail(f"no sentence: {error.message}")


def test_the_good_seed_is_taken(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("here")
    path = tmp_path / "acme.toml"
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in GOOD.items()))
    assert edge.portal.call(seeding.apply, edge.vault, seeding.load(path)) == seeding.Made(1, 1, 2)


@given(raw=st.one_of(st.binary(max_size=200), st.text("[]{}=.\"'#\n abc019-:TZ\\u", max_size=80).map(str.encode)))
@fuzzed(150)
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "acme.toml"
    path.write_bytes(raw)
    with refused_by_a_sentence(path):
        seeding.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "a = " + "[" * 5000,
        "a = " + "{b = " * 5000,
        "a." * 5000 + "b = 1",
        "a = " + "9" * 5000,
        "a = 0x" + "f" * 5000,
    ],
)
def test_deep_and_long(tmp_path: Path, text: str) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(text)
    with pytest.raises(SeedError, match="acme"):
        seeding.load(path)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return _key(value) if isinstance(value, str) else repr(value)


def _key(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
