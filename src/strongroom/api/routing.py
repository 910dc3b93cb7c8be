"""Finds the endpoint of a request: path segments in a tree, where a literal beats a parameter."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from strongroom.api.binding import bind
from strongroom.api.bodies import refuse_nul
from strongroom.api.declaration import Endpoint
from strongroom.api.versions import NEWEST, OLDEST, POSITIONS
from strongroom.domain.errors import MalformedUrl, MethodNotSupported

_PREFIX = "api"
_SHORT = 200  # bytes of a path that is worth remembering


@dataclass(frozen=True)
class Match:
    """The endpoint of a request, the API version it is asked in, and the values of its path parameters.

    One is shared by all requests for a path, and so is the input that is made of it.
    """

    endpoint: Endpoint
    version: str
    parameters: dict[str, str]

    @cached_property
    def values(self) -> dict[str, Any]:
        """The parameters, seen to be fit for the database; ``InvalidData`` if they are not."""
        return refuse_nul(self.parameters)

    @cached_property
    def input(self) -> Any:
        """The call's input (None: it takes none) where the path says all of it; raises what ``bind`` does."""
        return None if self.endpoint.input is None else bind(self.endpoint.input, self.values)


@dataclass
class _Leaf:
    """The calls at one path, by verb; of one verb the newest comes first."""

    calls: dict[str, list[tuple[Endpoint, tuple[str, ...]]]] = field(default_factory=dict)


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    leaf: _Leaf | None = None
    tail: _Leaf | None = None


class Router:
    """The tree of all calls. Doubled and trailing slashes are nothing, segments are percent-decoded."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._versioned = _Node()
        self._plain = _Node()
        # Who polls asks for one path again and again. Nobody changes a match.
        self._find_again = lru_cache(maxsize=1024)(self._find)
        for endpoint in endpoints:
            _add(self._versioned if endpoint.declaration.versioned else self._plain, endpoint)

    def find(self, method: str, raw_path: bytes) -> Match:
        """Find the call of a request. Raises ``MalformedUrl`` for an unknown path, else ``MethodNotSupported``."""
        return (self._find_again if len(raw_path) <= _SHORT else self._find)(method, raw_path)

    def _find(self, method: str, raw_path: bytes) -> Match:
        segments = _segments(raw_path)
        if not segments or segments[0] != _PREFIX:
            raise MalformedUrl
        if len(segments) > 1 and segments[1] in POSITIONS:
            version, node, start = segments[1], self._versioned, 2
        else:
            version, node, start = NEWEST, self._plain, 1
        values: list[str] = []
        leaf = _walk(node, segments, start, values)
        if leaf is None:
            raise _unknown(segments)
        endpoint, names = _choose(leaf, method, version)
        return Match(endpoint, version, dict(zip(names, values, strict=True)))


def _add(node: _Node, endpoint: Endpoint) -> None:
    names = []
    leaf = None
    for segment in endpoint.declaration.path.strip("/").split("/"):
        if segment.endswith(":rest}"):
            names.append(segment[1:-6])
            node.tail = leaf = node.tail or _Leaf()
        elif segment.startswith("{"):
            names.append(segment[1:-1])
            node.parameter = node = node.parameter or _Node()
        elif segment:
            node = node.literals.setdefault(segment, _Node())
    if leaf is None:
        node.leaf = leaf = node.leaf or _Leaf()
    calls = leaf.calls.setdefault(endpoint.declaration.method, [])
    _refuse_twins(calls, endpoint)
    calls.append((endpoint, tuple(names)))
    calls.sort(key=lambda call: POSITIONS[call[0].declaration.since], reverse=True)


def _refuse_twins(calls: list[tuple[Endpoint, tuple[str, ...]]], new: Endpoint) -> None:
    for old, _ in calls:
        if old.declaration.since == new.declaration.since:
            call = f"{new.declaration.method} {new.declaration.path}"
            owners = [f"{each.handler.__module__}.{each.handler.__qualname__}" for each in (old, new)]
            raise ValueError(f"{call} is declared twice: by {owners[0]} and by {owners[1]}.")


def _unknown(segments: list[str]) -> MalformedUrl:
    """Make the error of a path that nothing has; where it is the version that is wrong, it says so."""
    if len(segments) < 2 or segments[1] in POSITIONS:
        return MalformedUrl()
    return MalformedUrl(
        f"The specified resource cannot be found: there is no API version [{segments[1][:60]}]; "
        f"they run from {OLDEST} to {NEWEST}."
    )


def _segments(raw_path: bytes) -> list[str]:
    try:
        if b"%" not in raw_path:
            return [segment for segment in raw_path.decode().split("/") if segment]
        return [unquote_to_bytes(segment).decode() for segment in raw_path.split(b"/") if segment]
    except UnicodeDecodeError as error:
        byte = f"%{error.object[error.start]:02x}"
        raise MalformedUrl(f"The specified resource cannot be found: the byte [{byte}] is not UTF-8.") from error


def _walk(node: _Node, segments: list[str], at: int, values: list[str]) -> _Leaf | None:
    """Go down one segment at a time, back up where a literal leads nowhere. ``values`` collects the parameters."""
    if at == len(segments):
        return node.leaf
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal is not None and (leaf := _walk(literal, segments, at + 1, values)) is not None:
        return leaf
    if node.parameter is not None:
        values.append(segment)
        if (leaf := _walk(node.parameter, segments, at + 1, values)) is not None:
            return leaf
        values.pop()
    if node.tail is not None:
        values.append("/".join(segments[at:]))
    return node.tail


def _choose(leaf: _Leaf, method: str, version: str) -> tuple[Endpoint, tuple[str, ...]]:
    calls = leaf.calls.get(method)
    if calls is None:
        known = ", ".join(sorted(leaf.calls))
        raise MethodNotSupported(f"The method [{method}] is not supported for this resource; it answers to {known}.")
    for call in calls:
        if POSITIONS[call[0].declaration.since] <= POSITIONS[version]:
            return call
    first = calls[-1][0].declaration.since
    raise MethodNotSupported(f"This resource is not available in version [{version}]; it exists since {first}.")
