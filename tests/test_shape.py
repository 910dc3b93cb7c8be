"""The house style that a machine can see: sizes, docstrings, names, imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "strongroom"
# Migrations are lists of what a database gets: as long as that is.
FILES = sorted(
    file for file in (*SOURCE.rglob("*.py"), *(ROOT / "tools").rglob("*.py")) if file.parent.name != "versions"
)
FORBIDDEN = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "base", "misc"}
FILE_LINES, FUNCTION_LINES, ARGUMENTS = 300, 40, 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_keeps_the_house_style(file: Path) -> None:
    assert list(faults(file.read_text(), file)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import os\n", "has no docstring"),
        ('"""Says."""\n' * 301, "301 lines"),
        ('"""Says."""\nfrom typing import TYPE_CHECKING\n', "imports TYPE_CHECKING"),
        ('"""Says."""\ndef long():\n' + "    pass\n" * 41, "long has 41 lines"),
        ('"""Says."""\nclass A:\n    async def wide(self, a, b, /, c, d, *, e, f, g): ...\n', "wide has 7 arguments"),
    ],
)
def test_what_is_a_fault(text: str, fault: str) -> None:
    assert fault in "; ".join(faults(text, SOURCE / "good.py"))


def test_what_is_no_fault() -> None:
    told = '    """' + "Says.\n" * 50 + '"""\n'
    text = '"""Says."""\ndef f(self, a, b, c, d, e, f):\n' + told + "    pass\n" * 40
    assert list(faults(text, SOURCE / "good.py")) == []
    assert list(faults(text, SOURCE / "helpers" / "good.py")) != []
    assert list(faults(text, SOURCE / "utils.py")) != []


def faults(text: str, file: Path) -> Iterator[str]:
    """What is wrong with a file, in words."""
    tree = ast.parse(text)
    if ast.get_docstring(tree) is None:
        yield "it has no docstring that says what it is for"
    if (lines := len(text.splitlines())) > FILE_LINES:
        yield f"it has {lines} lines, {FILE_LINES} are the most"
    if wrong := FORBIDDEN & {*file.relative_to(ROOT).parent.parts, file.stem}:
        yield f"{wrong.pop()} says nothing about what is in it"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(each.name == "TYPE_CHECKING" for each in node.names):
            yield "it imports TYPE_CHECKING"
        if isinstance(node, Function):
            yield from _faults_of_function(node)


def _faults_of_function(function: Function) -> Iterator[str]:
    if (lines := _body_lines(function)) > FUNCTION_LINES:
        yield f"{function.name} has {lines} lines, {FUNCTION_LINES} are the most"
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    if (count := sum(argument.arg not in {"self", "cls"} for argument in named)) > ARGUMENTS:
        yield f"{function.name} has {count} arguments, {ARGUMENTS} are the most"


def _body_lines(function: Function) -> int:
    """The lines of a body, without its docstring."""
    first = function.body[1] if ast.get_docstring(function) is not None and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or 0) - first.lineno + 1
