"""A folder with somebody's own things in it is not taken for a data directory, by accident."""

import os
import re
from pathlib import Path

import pytest
from tests.server.serving import CLUSTERS, Starting
from tests.server.test_serve import eventually

from strongroom.config import CannotRun, Settings
from strongroom.server import data_dir
from strongroom.server.data_dir import OURS


def opened(folder: Path) -> set[str]:
    """What lies in the folder when a server has opened it."""
    with data_dir.opened(Settings(data_dir=folder)) as found:
        return {entry.name for entry in found.iterdir()}


@pytest.mark.parametrize("name", ["letter.txt", "src", ".git", "postgresql.conf"])
def test_a_folder_with_other_things_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(CannotRun, match=f"holds other things, such as {name}, .*--data-dir"):
        opened(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("names", [(), ("lost+found",), ("tls",), ("postgres.new", "postgres.locks", "blobs")])
def test_a_folder_that_is_empty_or_holds_what_is_ours(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    assert opened(tmp_path) == set(names)


@pytest.mark.parametrize("mark", ["lock", "strongroom.toml"])
def test_things_may_lie_beside_the_data_of_a_server_and_its_settings(tmp_path: Path, mark: str) -> None:
    for name in (mark, "vault.toml", "sop.docx"):
        (tmp_path / name).touch()
    assert opened(tmp_path) == {mark, "vault.toml", "sop.docx"}


def test_a_missing_one_is_made(tmp_path: Path) -> None:
    assert opened(tmp_path / "a" / "b") == set()


def test_all_that_a_server_leaves_is_known_to_be_its_own(start: Starting) -> None:
    server = start("--seed", "sample")
    found = {entry.name for entry in server.data_dir.iterdir()}
    server.stop()
    assert found <= OURS
    assert "users.txt" in found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps databases outside of their data directories")
def test_a_database_whose_data_directory_is_gone_is_named_and_kept(start: Starting, place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    start("--workers", 0, data_dir=home / "gone").stop()
    cluster = CLUSTERS / (home / "gone" / "postgres.id").read_text().strip()
    (home / "gone").rename(home / "elsewhere")
    try:
        server = start("--workers", 0, data_dir=home / "data")
        said = re.compile(rf"{cluster}.*{home}/gone")
        eventually(lambda: said.search(server.log.so_far()))
        assert (cluster / "PG_VERSION").exists()
    finally:
        (home / "elsewhere").rename(home / "gone")  # where the clean-up finds the cluster
