"""Writes an envelope as XML: the JSON keys as elements, no attributes, no namespaces."""

import re
from typing import Any
from xml.sax.saxutils import escape

_PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SINGULAR = {
    "errors": "error",
    "warnings": "warning",
    "links": "link",
    "jobs": "job",
    "tasks": "task",
    "versions": "version",
    "renditionTypes": "renditionType",
    "properties": "property",
    "types": "type",
    "subtypes": "subtype",
    "classifications": "classification",
    "lifecycles": "lifecycle",
}
"""Lists whose items have a name of their own. The items of any other list are named like the list."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
# A parser reads a bare CR, alone or before LF, as LF.
_ESCAPES = {"\r": "&#13;"}


def write(root: str, envelope: dict[str, Any]) -> bytes:
    """Write an envelope under the root element ``root``."""
    out: list[str] = [_PROLOG]
    _element(out, root, envelope)
    return "".join(out).encode()


def _element(out: list[str], name: str, value: Any) -> None:
    name = _legal(name)
    out.append(f"<{name}>")
    if isinstance(value, dict):
        for key, each in value.items():
            _element(out, key, each)
    elif isinstance(value, list | tuple):
        for each in value:
            _item(out, name, each)
    else:
        out.append(escape(_ILLEGAL.sub("\ufffd", _text(value)), _ESCAPES))
    out.append(f"</{name}>")


def _item(out: list[str], name: str, value: Any) -> None:
    """Write one item of a list. ``[{"user": {..}}]`` needs no name beside ``user``."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict):
        for key, each in value.items():
            _element(out, key, each)
    else:
        _element(out, _SINGULAR.get(name, name), value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _legal(name: str) -> str:
    """Make an element's name of a key; every key of the API is one already, but field names come from outside."""
    name = _NOT_IN_NAMES.sub("_", name)
    return name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"
