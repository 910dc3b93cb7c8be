"""The documents say what is: links, paths, targets, commands, settings, calls, dependencies and examples."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer

from strongroom.cli.app import Parts, build
from strongroom.config import Settings
from strongroom.domain.seed import Seed
from strongroom.services import seed_file

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")
INLINE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALLS = ("services/jobs/", "services/queues", "services/webhooks")
OURS = re.compile(r"(src|tests|tools|docs|requirements|api|cli|domain|engine|kinds|sdk|server|services|store)/[\w./-]+")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def load_tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(page: Path) -> Iterator[str]:
    """Everything in a page that is set as code: whole lines, and what stands in backticks."""
    text = page.read_text()
    for block in BLOCK.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(BLOCK.sub("", text))


def exists(name: str) -> bool:
    return any((root / name).exists() for root in (ROOT, ROOT / "src" / "strongroom"))


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@every_page
def test_the_files_of_ours_that_are_named_exist(page: Path) -> None:
    words = {word.rstrip(":") for text in code(page) for word in text.split()}
    named = {word for word in words if OURS.fullmatch(word) and not word.startswith(CALLS)}
    assert {name for name in named if not exists(name) and "000N" not in name} == set()


@every_page
def test_tables_are_whole(page: Path) -> None:
    """Each row has as many cells as the head; a row that stands alone, after a blank line, is no table."""
    text = BLOCK.sub("", page.read_text())
    for table in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip("|")) for line in table.splitlines()]
        assert set("".join(rows[1])) <= set("-: "), f"no table head: {rows[0]}"
        assert [row for row in rows if len(row) != len(rows[0])] == []


@every_page
def test_the_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {found for text in code(page) for found in re.findall(r"^make ([a-z]+)", text)}
    assert named <= targets


@every_page
def test_the_commands_and_options_that_are_named_exist(page: Path) -> None:
    commands = options_by_command()
    for text in code(page):
        line = text.partition("#")[0]
        if typed := re.search(r"(?:^|[ /(])strongroom ([a-z]+)(.*)", line):
            name, rest = typed.groups()
            assert name in commands, line
            assert set(re.findall(r"(?<!\S)(--[a-z-]+)", rest.partition(")")[0])) <= commands[name], line


def test_every_target_has_its_line_in_contributing() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"make ([a-z]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert targets - {"help"} <= told


def test_every_dependency_has_its_reason_and_no_other_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, development = (ROOT / "docs" / "dependencies.md").read_text().split("## For development")
    for wanted, text in (
        (project["project"]["dependencies"], runtime),
        (project["dependency-groups"]["dev"], development),
    ):
        names = {re.split(r"[<>=!\[]", requirement)[0] for requirement in wanted}
        assert set(re.findall(r"^\| ([a-z0-9-]+) \| (?!why)\S", text, re.MULTILINE)) == names


def test_the_settings_reference_is_what_the_settings_are() -> None:
    tool = load_tool("make_settings_reference")
    assert set(tool.MEANINGS) == set(Settings.model_fields)
    assert tool.TARGET.read_text() == tool.text(), "run: make reference"


def test_every_deviation_names_its_place() -> None:
    sections = (ROOT / "docs" / "deviations.md").read_text().split("\n## ")[1:]
    chosen = "".join(section for section in sections if not section.startswith("Not there yet"))
    rows = re.findall(r"^\| (?!choice|what)(.+) \|$", chosen, re.MULTILINE)
    assert len(rows) > 60
    places = {row: re.search(r" \| `([a-z_/]+\.py)`$", row) for row in rows}
    assert [row for row, place in places.items() if place is None or not exists(place[1])] == []


def test_the_seed_file_that_is_shown_can_be_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "seed-file.md").read_text()
    shown = next(block for block in BLOCK.findall(page) if "[[users]]" in block)
    for name in re.findall(r'"(files/[^"]+)"', shown):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "vault.toml").write_text(shown)
    assert seed_file.load(tmp_path / "vault.toml").documents
    tables = set(Seed.__struct_fields__) - {"source"}
    assert {table for table in tables if table not in page} == set()


def test_the_job_definition_that_is_shown_can_be_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "schedules.md").read_text()
    shown = next(block for block in BLOCK.findall(page) if "[[job_definitions]]" in block)
    (tmp_path / "vault.toml").write_text(shown)
    (definition,) = seed_file.load(tmp_path / "vault.toml").job_definitions
    assert definition.times().to_data() == {"schedule": "daily", "time": "02:30"}


def test_the_readme_says_what_a_stranger_must_know() -> None:
    text = (ROOT / "README.md").read_text()
    assert "not made by, endorsed by or affiliated with Veeva" in text
    assert "Apache-2.0" in text
    assert text.index("once in 10 seconds") < text.index("/services/jobs/$JOB")


def options_by_command() -> dict[str, set[str]]:
    """The commands, each with its options; those of a group are its own and those of its commands."""

    def nothing(*_: object) -> int:
        return 0

    parts = Parts(nothing, nothing, lambda path: path, lambda *paths: paths)
    commands: dict[str, object] = getattr(typer.main.get_command(build(parts)), "commands", {})
    assert commands
    return {name: set(options(command)) for name, command in commands.items()}


def options(command: object) -> Iterator[str]:
    yield "--help"
    for parameter in getattr(command, "params", []):
        yield from (*parameter.opts, *parameter.secondary_opts)
    for below in getattr(command, "commands", {}).values():
        yield from options(below)
