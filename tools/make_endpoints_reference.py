"""Writes docs/reference/endpoints.md: what is served, by which test it is driven, and what is not. A test checks it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tomllib import loads

from strongroom import kinds
from strongroom.api import openapi
from strongroom.api.app import served
from strongroom.api.declaration import Endpoint
from strongroom.api.routing import Router
from strongroom.api.versions import NEWEST, OLDEST, POSITIONS
from strongroom.domain.errors import VaultError
from strongroom.sdk import load

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "reference" / "endpoints.md"
KNOWN = ROOT / "tools" / "vault_operations.txt"
CONTRADICTIONS = ROOT / "tools" / "contradictions.toml"
METHODS = {"get": "GET", "post": "POST", "put": "PUT", "delete": "DELETE"}
HEAD = """\
# Endpoints

Made by `python tools/make_endpoints_reference.py` from the code; `GET /api/openapi.json` gives the same calls with
their parameters. Paths are below `/api/{version}`, but for those that begin with `/api`, or with `/auth/`, which are
those of Vault's login host. *Since* is the API version that has the call first: *any* is all that are served, and an
empty cell is one that we do not know.

How often the server was killed, and how many wrong requests it was sent, with what came of it:
[reliability](../reliability.md). What is other than in a Vault on purpose, or not there yet:
[deviations](../deviations.md).
"""


def text() -> str:
    """The page."""
    endpoints = sorted(served(load(kinds)), key=lambda each: (_path(each), each.declaration.method))
    tests = _tests(endpoints)
    own = [each for each in endpoints if each.declaration.extension]
    vaults = [each for each in endpoints if not each.declaration.extension]
    missing = _missing(endpoints)
    count = sum(len(lines) for lines in missing.values())
    parts = [HEAD, "## Served", "", f"{len(vaults)} operations of Vault's reference.", "", *_table(vaults, tests), ""]
    parts += ["## Extensions", "", "No Vault has these.", "", *_table(own, tests), ""]
    parts += ["## Not served yet", "", f"{count} further operations that we know of.", ""]
    for section, lines in missing.items():
        parts += [f"### {section}", "", "| method | path | what it does | since |", "|---|---|---|---|", *lines, ""]
    return "\n".join([*parts, *_contradictions()])


def _table(endpoints: list[Endpoint], tests: dict[tuple[str, str], str]) -> list[str]:
    rows = ["| method | path | operation | since | driven by |", "|---|---|---|---|---|"]
    for endpoint in endpoints:
        call = endpoint.declaration
        test = tests.get((call.method, _path(endpoint)))
        driven = f"[{test}](../../{test})" if test else "-"
        name, since = openapi.heading(endpoint), "any" if call.since == OLDEST else call.since
        rows.append(f"| {call.method} | `{_path(endpoint)}` | {name} | {since} | {driven} |")
    return rows


def _path(endpoint: Endpoint) -> str:
    path = endpoint.declaration.path.replace(":rest}", "}")
    return path or "/" if endpoint.declaration.versioned else f"/api{path}"


def _missing(endpoints: list[Endpoint]) -> dict[str, list[str]]:
    """The known operations that are not served, as rows by section."""
    there = {(each.declaration.method, _shape(_path(each))) for each in endpoints}
    sections: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in KNOWN.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line and not line.startswith("#"):
            call, told, since = f"{line} | ".split(" | ")[:3]
            method, _, path = call.partition(" ")
            if (method, _shape(path)) not in there:
                sections[section].append(f"| {method} | `{path}` | {told} | {since} |")
    return sections


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _contradictions() -> Iterator[str]:
    """The sections about what public sources contradict each other in, and what they are silent about."""
    told = loads(CONTRADICTIONS.read_text(encoding="utf-8"))
    yield from ("## Contradictions in the public documentation", "")
    yield from ("| about | one source | another | here | held by |", "|---|---|---|---|---|")
    for each in told["contradiction"]:
        yield f"| {each['about']} | {each['one']} | {each['other']} | {each['here']} | {_links(each['tests'])} |"
    yield from ("", "## What the public documentation does not say", "")
    yield from ("Those choices that a test of a call holds; [deviations](../deviations.md) has all.", "")
    yield from ("| about | here | held by |", "|---|---|---|")
    for each in told["silence"]:
        yield f"| {each['about']} | {each['here']} | {_links(each['tests'])} |"
    yield ""


def _links(tests: list[str]) -> str:
    """Tests as ``file::function``, each as a link to its file."""
    return ", ".join(f"[{name}](../../{file})" for file, name in (test.split("::") for test in tests))


def _tests(endpoints: list[Endpoint]) -> dict[tuple[str, str], str]:
    """The first test file that drives each call, those over HTTP in tests/api before all others."""
    router = Router(endpoints)
    found: dict[tuple[str, str], str] = {}
    files = sorted((ROOT / "tests").rglob("test_*.py"), key=lambda file: (file.parent.name != "api", str(file)))
    for file in files:
        for method, url in _calls(ast.parse(file.read_text(encoding="utf-8"))):
            endpoint = _served_at(router, method, url)
            if endpoint is not None:
                found.setdefault((method, _path(endpoint)), str(file.relative_to(ROOT)))
    return found


def _served_at(router: Router, method: str, url: str) -> Endpoint | None:
    """The call that answers a URL of a test, whose unknown parts are ``1``; the base may be missing or unknown."""
    segments = [segment for segment in url.partition("?")[0].split("/") if segment]
    if segments[:1] == ["1"]:
        segments = segments[1:]
    if segments[:1] != ["api"]:
        segments = ["api", NEWEST, *segments] if segments else []
    elif len(segments) > 1 and segments[1] in {"1", *POSITIONS}:
        segments[1] = NEWEST
    try:
        return router.find(method, "/".join(["", *segments]).encode()).endpoint
    except VaultError:
        return None


def _calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What looks like a call of the API, as method and URL: ``http.get(url)``, ``http.request("DELETE", url)``."""
    known = _names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        methods, place = [METHODS.get(node.func.attr, "")], node.args[0]
        if node.func.attr in {"request", "stream"} and len(node.args) > 1:
            methods, place = _texts(node.args[0], known), node.args[1]
        yield from ((method, url) for method in methods if method for url in _texts(place, known))


def _names(tree: ast.Module) -> dict[str, list[str]]:
    """The texts that each name of a file may stand for: assigned, looped over, or a parameter of a test."""
    known: dict[str, list[str]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] += _texts(node.value, known)
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            known[node.target.id] += _items(node.iter, known)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "parametrize":
            _add_parameters(node, known)
    return known


def _add_parameters(parametrize: ast.Call, known: dict[str, list[str]]) -> None:
    names, cases = ast.literal_eval(parametrize.args[0]), parametrize.args[1]
    if isinstance(names, str):
        known[names] += _items(cases, known)
        return
    for case in cases.elts if isinstance(cases, ast.List | ast.Tuple) else []:
        for name, value in zip(names, case.elts if isinstance(case, ast.Tuple) else [], strict=False):
            known[name] += _texts(value, known)


def _items(node: ast.expr, known: dict[str, list[str]]) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return [text for element in elements for text in _texts(element, known)]


def _texts(node: ast.expr, known: dict[str, list[str]]) -> list[str]:
    """The texts that an expression may be; what is not known in it is ``1``."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        return known.get(node.id, [])
    if not isinstance(node, ast.JoinedStr):
        return []
    texts = [""]
    for part in node.values:
        more = _texts(part.value if isinstance(part, ast.FormattedValue) else part, known) or ["1"]
        texts = [text + each for text in texts for each in more][:1000]
    return texts


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
