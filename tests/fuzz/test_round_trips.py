"""What is written comes back: the same document by every form of body, the same reply in JSON and in XML."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree as ET

from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.fuzz.edge import Ask, Edge, Reply
from tests.fuzz.profiles import fuzzed
from tests.fuzz.xml_of_json import as_text, of_json

from strongroom.api import xml
from strongroom.domain.staging import NAME_MAX

DOCUMENTS = b"/api/v26.1/objects/documents"
ITEMS = "/services/file_staging/items"
KIND = {"type__v": "General", "lifecycle__v": "General Lifecycle"}
LIKELY = st.sampled_from("\t\n\r\"',;&<>=%+ \u00a0\ufeff\u2028\U0001f600\u0085a\u0301")
# Not a NUL, which no text of the database can hold, and no half of a surrogate pair, which is no character.
characters = st.one_of(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), LIKELY)
texts = st.text(characters, max_size=40)
one_line = st.text(characters, min_size=1, max_size=100).filter(
    lambda text: re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]+", text.strip())
)
described = st.fixed_dictionaries(
    {"name__v": one_line},
    optional={
        "title__v": texts,
        "description__v": texts,
        "copies__c": st.integers(-(10**15) + 1, 10**15 - 1).map(str),
        "confidential__c": st.sampled_from(["true", "false"]),
        "effective_date__c": st.dates().map(str),
    },
)


def _as_form(fields: Mapping[str, str]) -> Ask:
    return Ask("POST", DOCUMENTS, body=[urlencode(fields).encode()])


def _as_json(fields: Mapping[str, str]) -> Ask:
    return Ask("POST", DOCUMENTS, headers=[(b"content-type", b"application/json")], body=[json.dumps(fields).encode()])


def _as_multipart(fields: Mapping[str, str]) -> Ask:
    boundary = "x" * 40  # longer than any value
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    return Ask(
        "POST",
        DOCUMENTS,
        headers=[(b"content-type", f"multipart/form-data; boundary={boundary}".encode())],
        body=[body],
    )


def _as_query(fields: Mapping[str, str]) -> Ask:
    return Ask("POST", DOCUMENTS, query=urlencode(fields).encode())


def _as_table(fields: Mapping[str, str]) -> Ask:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([fields.keys(), fields.values()])
    return Ask("POST", DOCUMENTS + b"/batch", headers=[(b"content-type", b"text/csv")], body=[out.getvalue().encode()])


def _as_rows(fields: Mapping[str, str]) -> Ask:
    headers = [(b"content-type", b"application/json")]
    return Ask("POST", DOCUMENTS + b"/batch", headers=headers, body=[json.dumps([fields], ensure_ascii=False).encode()])


WAYS: list[Callable[[Mapping[str, str]], Ask]] = [_as_form, _as_json, _as_multipart, _as_query, _as_table, _as_rows]


@given(fields=described)
@example(
    fields={
        "name__v": '\t a\u2028"b"',
        "title__v": "\r",
        "description__v": "<\x01\ufffe&]]>\r\n",
        "copies__c": "7",
        "confidential__c": "true",
    }
)
@fuzzed(20, share=5)
def test_a_document_is_the_same_by_every_form(edge: Edge, fields: dict[str, str]) -> None:
    made = [_retrieved(edge, edge.send(way({**fields, **KIND}))) for way in WAYS]
    expected: dict[str, Any] = {**fields, "name__v": fields["name__v"].strip()}
    for name, read in (("copies__c", int), ("confidential__c", "true".__eq__)):
        if name in expected:
            expected[name] = read(expected[name])
    for document, way in zip(made, WAYS, strict=True):
        shown = {name: document["document"].get(name, "") for name in expected}
        assert shown == expected, way


def _retrieved(edge: Edge, reply: Reply) -> dict[str, Any]:
    """The document that a call has made, after comparing its XML with its JSON."""
    assert reply.headers["x-vaultapi-status"] == "SUCCESS", reply.content
    made = reply.json if "id" in reply.json else reply.json["data"][0]
    assert "id" in made, reply.content
    path = f"/objects/documents/{made['id']}"
    document: dict[str, Any] = edge.get(path).json
    assert ET.canonicalize(edge.get(path, headers=[(b"accept", b"application/xml")]).content) == ET.canonicalize(
        of_json("ApiRestResult", document)
    )
    return document


# Text that XML 1.0 cannot hold, halves of surrogate pairs included: whatever a dict of Python can.
any_text = st.text(st.one_of(st.characters(), LIKELY, st.characters(max_codepoint=0x20)), max_size=20)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), any_text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(["errors", "links", "data", "user"]), any_text), inner, max_size=4)),
    max_leaves=20,
)  # fmt: skip


@given(value=st.dictionaries(any_text, anything, max_size=4))
@fuzzed(150)
def test_xml_holds_what_json_can_hold(value: dict[str, Any]) -> None:
    root = ET.fromstring(xml.write("ApiRestResult", value))
    assert [each.text or "" for each in root.iter() if len(each) == 0] == as_text(value) or [""]


@given(name=st.text(characters, min_size=1, max_size=80), content=st.binary(max_size=50))
@fuzzed(80)
def test_a_name_on_file_staging(edge: Edge, name: str, content: bytes) -> None:
    assume("/" not in name)
    boundary = b"x" * 60
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    body = b"".join(
        [
            head % (boundary, b"path", b"") + f"/in/{name}\r\n".encode(),
            head % (boundary, b"kind", b"") + b"file\r\n",
            head % (boundary, b"overwrite", b"") + b"true\r\n",
            head % (boundary, b"file", b'; filename="a"') + content + b"\r\n--%s--\r\n" % boundary,
        ]
    )
    headers = [(b"content-type", b"multipart/form-data; boundary=" + boundary)]
    reply = edge.send(Ask("POST", f"/api/v26.1{ITEMS}".encode(), headers=headers, body=[body]))
    if not _may_be_called(name):
        assert reply.error == "INVALID_DATA"
        return
    assert reply.json["data"]["name"] == name
    assert reply.json["data"]["path"] == f"/in/{name}"
    listed = edge.get(f"{ITEMS}/in/{quote(name, safe='')}").json["data"]
    assert [(each["path"], each["size"]) for each in listed] == [(f"/in/{name}", len(content))]
    loaded = edge.get(f"{ITEMS}/content/in/{quote(name, safe='')}")
    assert loaded.content == content
    assert loaded.headers["content-disposition"].isascii()
    told = loaded.headers["content-disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(told) == name if told else f'filename="{name}"' in loaded.headers["content-disposition"]


def _may_be_called(name: str) -> bool:
    controls = any(ord(each) < 32 or 127 <= ord(each) < 160 for each in name)
    return not controls and name != "." and ".." not in name.split("\\") and len(name.encode()) <= NAME_MAX
