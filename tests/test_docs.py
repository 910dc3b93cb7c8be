"""The documents say what is: links resolve, targets exist, every setting and dependency is told."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from strongroom.config import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)")


def load_tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
        assert {name for pair in named for name in pair if name} <= targets


def test_every_dependency_has_its_reason_and_no_other_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[<>=!]", requirement)[0] for requirement in wanted}
    listed = set(
        re.findall(r"^\| ([a-z0-9-]+) \| (?!why)", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    )
    assert listed == names


def test_the_settings_reference_is_what_the_settings_are() -> None:
    tool = load_tool("make_settings_reference")
    assert set(tool.MEANINGS) == set(Settings.model_fields)
    assert tool.TARGET.read_text() == tool.text()


def test_the_modules_that_deviations_name_exist() -> None:
    text = (ROOT / "docs" / "deviations.md").read_text()
    named = set(re.findall(r"\| `([a-z_/]+\.py)` \|", text))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "src" / "strongroom" / name).exists()] == []
