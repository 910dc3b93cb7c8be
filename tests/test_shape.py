"""The house style that a machine can see: sizes, docstrings, names, imports."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "strongroom"
FILES = sorted(file for file in SOURCE.rglob("*.py") if "migrations/versions" not in str(file))
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
FILE_LINES, FUNCTION_LINES, ARGUMENTS = 300, 40, 6


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or 0) - first.lineno + 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_keeps_the_house_style(file: Path) -> None:
    tree = tree_of(file)
    assert len(file.read_text().splitlines()) <= FILE_LINES
    assert ast.get_docstring(tree) is not None, "a module begins with what it is for"
    assert file.stem not in FORBIDDEN
    assert "TYPE_CHECKING" not in file.read_text()
    assert [each.name for each in functions(tree) if body_lines(each) > FUNCTION_LINES] == []
    for function in functions(tree):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        given = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
        assert len(given) <= ARGUMENTS, f"{function.name} has {len(given)} arguments"
