"""The page of statuses is what the table of moves says."""

import re
from types import ModuleType

import pytest
from tests.test_docs import load_tool

from strongroom.domain.job import ENDED, MOVES, JobStatus, JobTraits


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("make_status_reference")


def test_the_page_is_up_to_date(tool: ModuleType) -> None:
    assert tool.TARGET.read_text() == tool.text(), "run: .venv/bin/python tools/make_status_reference.py"


def test_the_diagram_and_the_table_have_the_same_moves(tool: ModuleType) -> None:
    text = tool.text()
    drawn = re.findall(r"^    ([A-Z_]+) --> ([A-Z_]+)$", text, re.MULTILINE)
    assert drawn == [(move.source, move.target) for move in MOVES]
    told = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_]+) \| (.+) \|$", text, re.MULTILINE)
    assert told == [(move.source, move.target, move.cause) for move in MOVES]


def test_every_beginning_and_every_end_is_drawn(tool: ModuleType) -> None:
    text = tool.text()
    begun = {JobTraits("a", "A", whole=whole).first_status for whole in (True, False)} | {JobStatus.SCHEDULED}
    assert set(re.findall(r"^    \[\*\] --> (\w+)$", text, re.MULTILINE)) == begun
    assert re.findall(r"^    (\w+) --> \[\*\]$", text, re.MULTILINE) == list(ENDED)


def test_every_status_has_its_meaning_and_its_list(tool: ModuleType) -> None:
    assert list(tool.MEANINGS) == list(JobStatus)
    lists = tool.text().partition("## Where they are listed")[2].partition("## Moves")[0]
    rows = re.findall(r"^\| ([A-Z_]+) \| (yes|-) \| (yes|-) \| (?:`(\w+)`|-) \|$", lists, re.MULTILINE)
    assert [row[0] for row in rows] == list(JobStatus)
    assert all((row[1] == "yes") != (row[2] == "yes") for row in rows)
    assert [row[0] for row in rows if not row[3]] == ["QUEUEING"]
    assert all(row[3] in ("", row[0].lower()) for row in rows)
