"""Where the bundled PostgreSQL lies, whom it belongs to, and what it leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.store.embedded_servers import OWNER, ROOT, Owner, fetch, is_dead, postgres_user, socket_dir, wait_until

import strongroom.store.embedded
from strongroom.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, Server, abandoned
from strongroom.store.embedded.account import account_of, reaches
from strongroom.store.embedded.binaries import SHARED, find_binaries


def modes(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mode, path.stat().st_uid) for path in (folder, *folder.parents)}


def test_a_closed_home_stays_closed(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    data = home / "vault"
    data.mkdir()
    before = modes(data)
    try:
        with EmbeddedPostgres(data) as postgres:
            server = postgres.start()
            fetch(server, "CREATE TABLE kept AS SELECT 42 AS value")
            assert (server.data.parent == SHARED) is ROOT
            assert (server.data == data / "postgres") is not ROOT
        with EmbeddedPostgres(data) as postgres:
            assert fetch(postgres.start(), "SELECT value FROM kept") == 42
        assert modes(data) == before
    finally:
        if ROOT:
            shutil.rmtree(server.data)
    if ROOT:
        with pytest.raises(EmbeddedPostgresError, match="is gone: restore it, or delete"):
            EmbeddedPostgres(data).start()


def test_an_ephemeral_server_removes_everything_it_made(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    made, given = home / "made", home / "given"
    given.mkdir()
    (given / "mine.txt").write_text("stays")
    for data in (made, given):
        with EmbeddedPostgres(data, ephemeral=True) as postgres:
            server = postgres.start()
            assert fetch(server, "SELECT current_setting('fsync')") == "off"
        assert not server.data.exists()
        assert not socket_dir(server).exists()
    assert [path.name for path in home.iterdir()] == ["given"]
    assert [path.name for path in given.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("killed", [False, True])
def test_a_data_directory_removed_under_the_server(place: Path, closed: bool, killed: bool) -> None:
    home = place / "home"
    home.mkdir(mode=0o700 if closed else 0o755)
    owner = Owner(home / "data", ephemeral=True)
    server = owner.server()
    wait_until(lambda: _removed(home))
    if killed and server.data.exists():
        owner.kill()
    else:
        owner.stop()
    wait_until(lambda: is_dead(server.pid) and not server.data.exists() and not socket_dir(server).exists())


def _removed(folder: Path) -> bool:
    """Remove a folder that a server still writes to: what it has just made may be in the way once."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def test_programs_that_the_server_user_cannot_reach_are_copied_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = find_binaries(None, account_of(place / "none")).folder.parent.parent
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("include", "*.a", "pginstall"))
    monkeypatch.syspath_prepend(str(closed))
    kept = sorted(SHARED.glob("postgresql-*"))
    try:
        for data in (place / "one", place / "two"):
            with EmbeddedPostgres(data, ephemeral=True) as postgres:
                program = Path(psutil.Process(postgres.start().pid).cmdline()[0])
                assert program.is_relative_to(SHARED if ROOT else closed)
        assert closed.stat().st_mode & 0o777 == 0o700
        made = [path for path in SHARED.glob("postgresql-*") if path not in kept]
        assert len(made) == (1 if ROOT else 0)
    finally:
        for path in SHARED.glob("postgresql-*"):
            if path not in kept:
                shutil.rmtree(path)


def test_an_ordinary_user_keeps_the_cluster_inside(place: Path) -> None:
    user = postgres_user()
    source = Path(strongroom.store.embedded.__file__).parent
    shutil.copytree(source, place / "code" / "strongroom" / "store" / "embedded")
    for package in ("strongroom", "strongroom/store"):
        (place / "code" / package / "__init__.py").touch()
    home = place / "home"
    home.mkdir(mode=0o700)
    if user.switch:
        os.chown(home, user.uid, user.gid)
    python = next(path for path in (sys.executable, "/usr/bin/python3") if reaches(user, Path(path).resolve().parent))
    process = subprocess.Popen(
        [python, "-c", OWNER, str(home / "vault"), str(find_binaries(None, user).folder), ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PYTHONPATH": str(place / "code"), "PYTHONDONTWRITEBYTECODE": "1"},
        user=user.uid if user.switch else None,
        group=user.gid if user.switch else None,
        extra_groups=[] if user.switch else None,
    )
    assert process.stdout is not None
    _, url, data, pid = json.loads(process.stdout.readline())
    server = Server(url, Path(data), pid)
    assert server.data == home / "vault" / "postgres"
    fetch(server, "CREATE TABLE kept AS SELECT 42 AS value")
    assert psutil.Process(pid).uids().real == user.uid
    process.kill()
    process.communicate()
    wait_until(lambda: is_dead(pid) and not socket_dir(server).exists())
    # Root, too, runs it as the user that it belongs to, and leaves it startable for that user.
    with EmbeddedPostgres(home / "vault") as postgres:
        assert fetch(postgres.start(), "SELECT value FROM kept") == 42
    assert {path.stat().st_uid for path in (home / "vault").rglob("*")} == {user.uid}
    assert home.stat().st_mode & 0o777 == 0o700


ONLY_ROOT = pytest.mark.skipif(not ROOT, reason="only root keeps databases outside of their data directories")


@ONLY_ROOT
def test_a_database_whose_data_directory_is_gone_can_be_named(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    with EmbeddedPostgres(home / "vault") as postgres:
        cluster = postgres.start().data
        assert cluster.parent == SHARED
    try:
        assert cluster not in dict(abandoned())
        (home / "vault").rename(home / "moved")
        assert dict(abandoned())[cluster] == home / "vault"
        with EmbeddedPostgres(home / "moved") as postgres:
            assert postgres.start().data == cluster
        assert cluster not in dict(abandoned())
        shutil.rmtree(home)
        assert dict(abandoned())[cluster] == home / "moved"
        assert (cluster / "PG_VERSION").exists()
    finally:
        shutil.rmtree(cluster)
    assert cluster not in dict(abandoned())
    assert [file for file in SHARED.iterdir() if cluster.name in file.name] == []


@ONLY_ROOT
def test_an_ephemeral_database_leaves_no_note(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    with EmbeddedPostgres(home / "vault", ephemeral=True) as postgres:
        cluster = postgres.start().data
        assert [file.name for file in cluster.parent.iterdir() if cluster.name in file.name] == [cluster.name]
