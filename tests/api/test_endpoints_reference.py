"""The page of endpoints is what the code says."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "make_endpoints_reference.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_endpoints_reference", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(tool: ModuleType) -> None:
    assert tool.TARGET.read_text() == tool.text(), "run: .venv/bin/python tools/make_endpoints_reference.py"


def test_most_operations_are_driven_by_a_test(tool: ModuleType) -> None:
    rows = re.findall(r"^\| \w+ \| `[^`]+` \| .* \| (.*) \|$", tool.text().partition("## Not served")[0], re.MULTILINE)
    undriven = rows.count("-")
    assert len(rows) > 45
    assert undriven <= len(rows) // 5


def test_known_operations_are_written_as_the_page_reads_them(tool: ModuleType) -> None:
    lines = [line for line in tool.KNOWN.read_text().splitlines() if line and not line.startswith("#")]
    shape = re.compile(r"(GET|POST|PUT|DELETE) /[A-Za-z0-9_/{}-]+ \| [^|]+")
    assert [line for line in lines if not shape.fullmatch(line)] == []
    calls = [re.sub(r"\{[^}]*\}", "{}", line.partition(" | ")[0]) for line in lines]
    assert len(set(calls)) == len(calls)
