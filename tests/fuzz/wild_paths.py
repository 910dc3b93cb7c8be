"""Strategies of verbs, paths, queries and headers: any call that is served, said in any way that a client might say it."""

import re
from urllib.parse import quote_from_bytes, urlencode

from hypothesis import strategies as st

from strongroom import kinds
from strongroom.api import event_stream, openapi
from strongroom.api.app import served
from strongroom.sdk import load

# An event stream is none of them: it goes on for as long as its job.
CALLS = sorted(
    (each.declaration.method, openapi.template(each.declaration))
    for each in served(load(kinds))
    if each.declaration.media != event_stream.MEDIA
)
_PARAMETER = re.compile(r"\{[^}]+\}")
_VERBS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "BREW"]
_NAMES = """
id file name__v type__v lifecycle__v subtype__v classification__v external_id__v document_number__v description__v
major_version_number__v minor_version_number__v status__v kind path overwrite createDraft username password vaultDNS
limit offset start sort cursor item source renditions allversions start_date end_date status search recursive idParam
format_result named_filter versionscope steadyState exclude_vault_membership after fromTemplate
"""
_ODD_TEXTS = [
    "",
    " ",
    "1",
    "0",
    "-1",
    "1.0",
    "1e1",
    "+1",
    " 1 ",
    "9" * 40,
    "true",
    "True",
    "null",
    "..",
    ".",
    "content",
    "\u0663",
]
_USUAL = [
    "General",
    "General Lifecycle",
    "folder",
    "file",
    "latestContent",
    "/a.txt",
    "1000000",
    "2026-03-04",
    "id desc",
    "all",
]
_SPOILERS = [
    b"",
    b".",
    b"..",
    b"%2e%2e",
    b"%2F",
    b"%00",
    b"\xff",
    b"%FF",
    b"%",
    b"%zz",
    b"a b",
    b"%c3%28",
    b"+",
    b"%0d%0a",
]
_ACCEPT = [
    "application/json", "application/xml", "text/csv", "*/*", "text/xml;q=0.1, text/csv;q=0.9", "application/xml;q=nan", "application/xml;q=inf",
    "application/xml;q=-1", ",", ";q=1", "application/*", "image/png", "\xff", "application/xml;q=1e999;q=0",
]  # fmt: skip
_OTHER_HEADERS = [
    "range", "host", "content-md5", "x-vaultapi-referenceid", "x-vaultapi-migrationmode", "x-vaultapi-clientid", "expect", "authorization",
]  # fmt: skip
_HEADER_VALUES = [
    b"true",
    b"bytes=0-1",
    b"bytes=-5",
    b"bytes=9-",
    b"evil.example/",
    b"[::1]:8443",
    b"Bearer ",
    b"Bearer x",
]

names = st.one_of(st.sampled_from(_NAMES.split()), st.text(st.characters(codec="utf-8"), max_size=12))
texts = st.one_of(
    st.sampled_from(_ODD_TEXTS + _USUAL),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text("a\u00e4\0\n\"',;", max_size=300),
)
fields = st.lists(st.tuples(names, texts), max_size=6)
queries = st.one_of(
    st.just(b""),
    fields.map(lambda given: urlencode(given).encode()),
    st.binary(max_size=20).map(lambda raw: raw.replace(b"#", b"")),
)


def _header(name: str, values: list[str]) -> st.SearchStrategy[tuple[bytes, bytes]]:
    return st.tuples(st.just(name.encode()), st.sampled_from(values).map(lambda text: text.encode("latin-1")))


headers = st.lists(
    st.one_of(
        _header("accept", _ACCEPT),
        st.tuples(
            st.sampled_from(_OTHER_HEADERS).map(str.encode),
            st.one_of(st.sampled_from(_HEADER_VALUES), st.binary(max_size=30)),
        ),
    ),
    max_size=4,
)

_encoded = st.one_of(
    texts.map(lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode()),
    texts.map(lambda text: text.encode().replace(b"/", b"%2f").replace(b"?", b"%3f")),
    st.binary(max_size=20).map(lambda raw: raw.replace(b"/", b"").replace(b"?", b"")),
    st.binary(max_size=20).map(lambda raw: quote_from_bytes(raw, safe="").encode()),
)
_values = st.one_of(st.sampled_from([b"1", b"2", b"10001", b"General"]), _encoded)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, bytes]:
    """A verb and a path: those of a call, with any values in the path, and then spoilt a little or not."""
    method, template = draw(st.sampled_from(CALLS))
    version = draw(st.sampled_from(["v26.1", "v26.1", "v7.0", "v99.9"]))
    segments = [draw(_segment(each, version)) for each in template.strip("/").split("/")]
    for spoiler in draw(st.lists(st.sampled_from(_SPOILERS), max_size=2)):
        segments.insert(draw(st.integers(0, len(segments))), spoiler)
    if draw(st.integers(0, 3)) == 3:
        method = draw(st.sampled_from(_VERBS))
    return method, b"/" + b"/".join(segments) + draw(st.sampled_from([b"", b"/", b"//"]))


def _segment(written: str, version: str) -> st.SearchStrategy[bytes]:
    if written == "{version}":
        return st.just(version.encode())
    if _PARAMETER.fullmatch(written):
        return _values
    escaped = [written.replace(letter, f"%{ord(letter):02X}").encode() for letter in "es"]
    return st.sampled_from([written.encode(), written.encode(), *escaped])
