"""Strategies of bodies: each in the form that its content type says, or broken, or in quite another one."""

import json
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urlencode

from hypothesis import strategies as st
from tests.fuzz.wild_paths import fields, names, texts

_BOUNDARY = "xyz"
_MEDIA = [
    "application/json", "text/csv", "application/x-www-form-urlencoded", f"multipart/form-data; boundary={_BOUNDARY}", "multipart/form-data",
    "multipart/form-data; boundary=", 'multipart/form-data; boundary="x y z"', "multipart/form-data; boundary=\xff", "text/plain", "", ";",
    "application/json; charset=utf-16", "application/octet-stream", "multipart/mixed; boundary=xyz", "multipart/form-data; boundary=" + "b" * 300,
]  # fmt: skip
_BROKEN = [
    b"{", b"[", b"[" * 100_000, b'{"a":' * 50_000, b'"text"', b"1", b"null", b"[1]", b"[[]]", b"[{}]", b'{"a": NaN}', b'[{"id": 1e999}]', b'{"a": "\\ud800"}',
    b'[{"id": "\\u0000"}]', b'{"a":1,"a":2}', b"\xff\xfe[\0]\0", b"\xef\xbb\xbf[]", b"[{}]x", b"id\n\xff\n", b'id\n"', b'id\n"a"b\n', b"id,id\n1,2\n", b",\n,\n",
    b"id\n1,2\n", b"\xef\xbb\xbfid\r\n1\r\n", b"id\r1\r2", b"id\n\n\n", b"id\n" + b"x" * 200_000, b"\n" * 10_000, b"a=%ff&b=%00", b"&&&===", b"%", b"\0", b" ",
    ("c,".join(map(str, range(3000))) + "\n").encode(), b"--xyz", b"--xyz--", b"--xyz--\r\n", b"--xyz\r\n\r\n\r\n--xyz--\r\n", b"\r\n--xyz\r\n",
]  # fmt: skip
_DISPOSITIONS = [
    'form-data; name="{name}"', 'form-data; name="{name}"; filename="a.txt"', 'form-data; name="file"; filename="C:\\tmp\\b.txt"', "form-data; name={name}",
    "form-data", "attachment", 'form-data; name="file"; filename=""', 'form-data; name="file"; filename*=UTF-8\'\'%e2%82%ac', 'form-data; name="{name}',
    'form-data; name="file"; filename="../../x"', 'form-data; name="file"; filename="\0"',
]  # fmt: skip

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=8,
)
objects = st.dictionaries(names, st.one_of(texts, scalars, json_values), max_size=6)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A CSV table, quoted or not, with any ends of lines, whose rows may have too few or too many cells."""
    header = draw(st.lists(names, max_size=5))
    rows = draw(st.lists(st.lists(texts, max_size=6), max_size=4))
    quoted = draw(st.booleans())
    lines = [",".join(_cell(cell, quoted=quoted) for cell in row) for row in (header, *rows)]
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return (mark + draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)).encode()


@st.composite
def multiparts(draw: st.DrawFn) -> bytes:
    """Parts with heads of every sort, with an end or without one."""
    dash = f"--{_BOUNDARY}".encode()
    parts = draw(st.lists(st.tuples(_heads(), st.one_of(texts.map(str.encode), st.binary(max_size=50))), max_size=5))
    body = b"".join(dash + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return body + draw(st.sampled_from([dash + b"--\r\n", dash + b"--", dash, b"", dash + b"--\r\nmore", b"--xy"]))


@st.composite
def _heads(draw: st.DrawFn) -> bytes:
    disposition = draw(st.sampled_from(_DISPOSITIONS)).replace("{name}", draw(names))
    more = draw(
        st.sampled_from(["", "\r\nContent-Type: text/plain", "\r\nContent-Type", "\r\nX-Long: " + "y" * 5000, "\n"])
    )
    return f"{draw(st.sampled_from(['Content-Disposition', 'content-disposition', 'X']))}: {disposition}{more}".encode()


_forms = fields.map(lambda given: urlencode(given).encode())
_jsons = st.one_of(objects, st.lists(objects, max_size=4), json_values).map(lambda value: json.dumps(value).encode())
_in_form: dict[str, st.SearchStrategy[bytes]] = {
    _MEDIA[0]: _jsons,
    _MEDIA[1]: tables(),
    _MEDIA[2]: _forms,
    _MEDIA[3]: multiparts(),
}
_any_form = st.one_of(
    _jsons, tables(), _forms, multiparts(), st.sampled_from(_BROKEN), st.binary(max_size=100), st.just(b"")
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A content type, and a body in one or more pieces."""
    media = draw(st.sampled_from(_MEDIA))
    fitting = _in_form.get(media)
    body = draw(fitting if fitting is not None and draw(st.booleans()) else _any_form)
    return media, _pieces(body, draw(st.lists(st.integers(0, len(body)), max_size=3)))


def _pieces(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(body)]
    return [body[start:stop] for start, stop in pairwise(edges)]


def _cell(text: str, *, quoted: bool) -> str:
    return '"' + text.replace('"', '""') + '"' if quoted else text
