"""The page of endpoints is what the code says."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools" / "make_endpoints_reference.py"


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


def test_every_operation_is_driven_by_a_test(tool: ModuleType) -> None:
    served = tool.text().partition("## Not served")[0]
    rows = re.findall(r"^\| \w+ \| `([^`]+)` \| .* \| (.*) \|$", served, re.MULTILINE)
    assert len(rows) > 45
    assert [path for path, driven in rows if driven == "-"] == []


def test_known_operations_are_written_as_the_page_reads_them(tool: ModuleType) -> None:
    lines = [line for line in tool.KNOWN.read_text().splitlines() if line and not line.startswith("#")]
    shape = re.compile(r"(GET|POST|PUT|DELETE) /[A-Za-z0-9_/{}-]+ \| [^|]+( \| v\d+\.\d)?")
    assert [line for line in lines if not shape.fullmatch(line)] == []
    calls = [re.sub(r"\{[^}]*\}", "{}", line.partition(" | ")[0]) for line in lines]
    assert len(set(calls)) == len(calls)


def test_each_contradiction_is_told_whole_and_held_by_a_test_that_exists(tool: ModuleType) -> None:
    told = tomllib.loads(tool.CONTRADICTIONS.read_text())
    fields = {"contradiction": {"about", "one", "other", "here", "tests"}, "silence": {"about", "here", "tests"}}
    assert set(told) == set(fields)
    for kind, entries in told.items():
        assert [each for each in entries if set(each) != fields[kind] or not all(each.values())] == []
    entries = [*told["contradiction"], *told["silence"]]
    assert len({each["about"] for each in entries}) == len(entries)
    assert [each["about"] for each in entries if "|" in "".join(map(str, each.values()))] == []
    assert [test for each in entries for test in each["tests"] if not _exists(test)] == []


def _exists(test: str) -> bool:
    """Whether a test is there that is named as ``file::function``."""
    file, _, function = test.partition("::")
    place = ROOT / file
    return place.is_file() and re.search(rf"^(async )?def {function}\(", place.read_text(), re.MULTILINE) is not None
