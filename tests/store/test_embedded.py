"""The bundled PostgreSQL: real servers, real kills, as root and as an ordinary user."""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

import strongroom.store.embedded
from strongroom.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, Server
from strongroom.store.embedded.account import Account, account_of, reaches
from strongroom.store.embedded.binaries import SHARED, find_binaries

ROOT = os.geteuid() == 0
DEADLINE = 20.0
OWNER = """
import json, os, sys
from pathlib import Path
from strongroom.store.embedded import EmbeddedPostgres
data, binaries, ephemeral = sys.argv[1:]
postgres = EmbeddedPostgres(Path(data), postgres_bin=Path(binaries) if binaries else None, ephemeral=ephemeral == "yes")
server = postgres.start()
print(json.dumps([os.getpid(), server.url, str(server.data), server.pid]), flush=True)
if sys.stdin.readline() == "stop\\n":
    postgres.stop()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user of the machine can enter: pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-test-")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Owner:
    """Another process that owns a server."""

    def __init__(self, data: Path, *, binaries: Path | None = None, ephemeral: bool = False) -> None:
        command = [sys.executable, "-c", OWNER, str(data), str(binaries or ""), "yes" if ephemeral else ""]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def server(self) -> Server:
        assert self.process.stdout is not None
        _, url, data, pid = json.loads(self.process.stdout.readline())
        return Server(url, Path(data), pid)

    def watcher(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        (watcher,) = [child for child in children if any("watcher.py" in part for part in child.cmdline())]
        return watcher

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        self.process.communicate("stop\n", timeout=DEADLINE)
        assert self.process.returncode == 0


def fetch(server: Server, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.url)
        try:
            value: object = await connection.fetchval(statement)
            return value
        finally:
            await connection.close()

    return asyncio.run(ask())


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not met():
        assert time.monotonic() < deadline, "it has not come true in time"
        time.sleep(0.01)


def is_dead(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def socket_dir(server: Server) -> Path:
    return Path(server.url.partition("host=")[2].partition("&")[0])


def postgres_user() -> Account:
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True) if ROOT else Account(os.geteuid(), os.getegid(), False)


def modes(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mode, path.stat().st_uid) for path in (folder, *folder.parents)}


def test_first_start_makes_a_durable_private_cluster(place: Path) -> None:
    data = place / "data"
    began = time.monotonic()
    with EmbeddedPostgres(data) as postgres:
        taken = time.monotonic() - began
        server = postgres.start()
        assert taken < 10
        assert server.data == data / "postgres"
        assert server.data.stat().st_mode & 0o777 == 0o700
        assert socket_dir(server).stat().st_mode & 0o777 == 0o700
        assert len(str(socket_dir(server))) < 90
        assert fetch(server, "SELECT current_user || ' ' || current_database()") == "strongroom strongroom"
        assert fetch(server, "SELECT current_setting('data_checksums') || current_setting('fsync')") == "onon"
        assert fetch(server, "SELECT current_setting('listen_addresses')") == ""
        assert fetch(server, "SELECT lower('ÉCOLE')") == "école"
        assert fetch(server, "SELECT 'B' < 'a'") is True
        assert psutil.Process(server.pid).uids().real == postgres_user().uid
        assert os.getsid(server.pid) != os.getsid(0)
    assert is_dead(server.pid)
    assert not socket_dir(server).exists()


def test_a_restart_keeps_the_data_and_the_url(place: Path) -> None:
    with EmbeddedPostgres(place) as postgres:
        first = postgres.start()
        fetch(first, "CREATE TABLE kept AS SELECT 42 AS value")
    with EmbeddedPostgres(place) as postgres:
        second = postgres.start()
        assert (second.url, second.data) == (first.url, first.data)
        assert second.pid != first.pid
        assert fetch(second, "SELECT value FROM kept") == 42


def test_start_and_stop_may_be_repeated(place: Path) -> None:
    postgres = EmbeddedPostgres(place, ephemeral=True)
    postgres.stop()
    server = postgres.start()
    assert postgres.start() == postgres.ensure() == server
    assert postgres.is_running()
    postgres.stop()
    postgres.stop()
    assert not postgres.is_running()
    assert postgres.start().url == server.url
    postgres.stop()


def test_two_owners_share_a_server_until_the_last_stops(place: Path) -> None:
    other = Owner(place)
    server = other.server()
    with EmbeddedPostgres(place) as mine:
        assert mine.start() == server
        other.stop()
        assert mine.is_running()
        assert fetch(server, "SELECT 1") == 1
    assert is_dead(server.pid)


def test_an_owner_that_stops_first_leaves_the_server_to_the_other(place: Path) -> None:
    mine = EmbeddedPostgres(place)
    server = mine.start()
    other = Owner(place)
    assert other.server() == server
    mine.stop()
    assert fetch(server, "SELECT 1") == 1
    other.kill()
    wait_until(lambda: is_dead(server.pid))


@pytest.mark.parametrize("victim", ["owner", "owner and watcher"])
def test_a_server_whose_owner_was_killed_is_adopted(place: Path, victim: str) -> None:
    owner = Owner(place)
    server = owner.server()
    # The second owner joins before the first one's watcher can act, or after that watcher has been killed as well.
    if victim == "owner":
        mine = EmbeddedPostgres(place)
        adopted = mine.start()
        watcher = owner.watcher()
        owner.kill()
        wait_until(lambda: is_dead(watcher.pid))
    else:
        owner.watcher().kill()
        owner.kill()
        mine = EmbeddedPostgres(place)
        adopted = mine.start()
    assert adopted == server
    assert fetch(adopted, "SELECT 1") == 1
    mine.stop()
    assert is_dead(server.pid)


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.05])
def test_a_start_right_after_a_kill_never_loses_its_server(place: Path, delay: float) -> None:
    owner = Owner(place)
    owner.server()
    owner.kill()
    time.sleep(delay)  # not to wait for anything: to meet the old watcher at different points of its work
    with EmbeddedPostgres(place) as postgres:
        server = postgres.start()
        assert fetch(server, "SELECT 1") == 1
        assert postgres.is_running()


@pytest.mark.parametrize("ephemeral", [False, True])
def test_kill_9_of_the_owner_stops_the_server(place: Path, ephemeral: bool) -> None:
    data = place / "data"
    owner = Owner(data, ephemeral=ephemeral)
    server = owner.server()
    watcher = owner.watcher()
    family = [*psutil.Process(server.pid).children(), psutil.Process(server.pid), watcher]
    assert os.getsid(watcher.pid) != os.getsid(owner.process.pid)
    owner.kill()
    wait_until(lambda: all(is_dead(process.pid) for process in family))
    assert not socket_dir(server).exists()
    assert data.exists() is not ephemeral


def test_kill_9_during_the_first_start_leaves_nothing_half_made(place: Path) -> None:
    owner = Owner(place)
    wait_until((place / "postgres.new" / "PG_VERSION").exists)
    owner.kill()
    assert not (place / "postgres").exists()
    with EmbeddedPostgres(place) as postgres:
        assert fetch(postgres.start(), "SELECT 1") == 1


def programs_of(place: Path, *words: str) -> list[int]:
    found = {one.pid: one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])}
    return [
        pid for pid, line in found.items() if any(str(place) in part for part in line) and all(w in line for w in words)
    ]


@pytest.mark.parametrize("next_start", [False, True])
def test_kill_9_before_the_server_has_written_its_process_id(place: Path, next_start: bool) -> None:
    with EmbeddedPostgres(place / "data"):
        pass
    real = find_binaries(None, postgres_user()).folder
    slow = place / "slow"
    slow.mkdir()
    (slow / "initdb").symlink_to(real / "initdb")
    (slow / "postgres").write_text(
        f"""#!/bin/sh\ncase "$*" in *listen_addresses*) sleep 0.5;; esac\nexec {real}/postgres "$@"\n"""
    )
    (slow / "postgres").chmod(0o755)
    owner = Owner(place / "data", binaries=slow)
    wait_until(lambda: programs_of(place, "-D", "listen_addresses=") != [])
    owner.kill()
    if next_start:
        with EmbeddedPostgres(place / "data") as postgres:
            assert fetch(postgres.start(), "SELECT 1") == 1
    wait_until(lambda: programs_of(place) == [])


def test_a_stale_pid_file_does_not_block_a_start(place: Path) -> None:
    owner = Owner(place)
    server = owner.server()
    fetch(server, "CREATE TABLE kept AS SELECT 42 AS value")
    processes = [owner.watcher(), psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # a child that has followed its postmaster
            process.kill()
    owner.kill()
    wait_until(lambda: all(is_dead(process.pid) for process in processes))
    pid_file = server.data / "postmaster.pid"
    user = postgres_user()
    with subprocess.Popen(["sleep", "60"], user=user.uid if user.switch else None) as somebody:
        # As after the restart of a container: the number belongs to another process of the same user now.
        pid_file.write_text(f"{somebody.pid}\n{pid_file.read_text().partition(chr(10))[2]}")
        try:
            with EmbeddedPostgres(place) as postgres:
                assert fetch(postgres.start(), "SELECT value FROM kept") == 42
            assert somebody.poll() is None
        finally:
            somebody.kill()


def test_ensure_replaces_a_killed_postmaster_though_a_backend_works_on(place: Path) -> None:
    busy = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'"
    with EmbeddedPostgres(place) as postgres, concurrent.futures.ThreadPoolExecutor() as pool:
        server = postgres.start()
        loop = pool.submit(fetch, server, "DO $$ BEGIN LOOP END LOOP; END $$")
        wait_until(lambda: fetch(server, busy) is True)
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not postgres.is_running())
        after = postgres.ensure()
        assert (after.url, after.data) == (server.url, server.data)
        assert after.pid != server.pid
        assert fetch(after, "SELECT 1") == 1
        assert loop.exception(timeout=DEADLINE) is not None


def test_ensure_replaces_a_killed_watcher(place: Path) -> None:
    def watchers() -> list[psutil.Process]:
        mine = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in mine if str(place) in " ".join(child.cmdline()) and "-I" in child.cmdline()]

    with EmbeddedPostgres(place, ephemeral=True) as postgres:
        server = postgres.start()
        (watcher,) = watchers()
        os.kill(watcher.pid, signal.SIGKILL)
        wait_until(lambda: is_dead(watcher.pid))
        assert postgres.ensure() == server
        assert len(watchers()) == 1


@pytest.mark.parametrize("name", ["x" * 200, "a space, a 'quote' and Größe"])
def test_long_and_odd_paths_work(place: Path, name: str) -> None:
    owner = Owner(place / name)
    server = owner.server()
    assert fetch(server, "SELECT 1") == 1
    assert server.data == place / name / "postgres"
    owner.kill()
    wait_until(lambda: is_dead(server.pid) and not socket_dir(server).exists())


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
    shutil.rmtree(home)
    if killed and server.data.exists():
        owner.kill()
    else:
        owner.stop()
    wait_until(lambda: is_dead(server.pid) and not server.data.exists() and not socket_dir(server).exists())


def test_many_processes_start_at_once_and_share_one_server(place: Path) -> None:
    owners = [Owner(place, ephemeral=True) for _ in range(4)]
    servers = {owner.server() for owner in owners}
    assert len(servers) == 1
    for owner in owners[:2]:
        owner.kill()
    assert fetch(servers.pop(), "SELECT 1") == 1
    for owner in owners[2:]:
        owner.stop()
    assert not (place / "postgres").exists()


def test_another_major_is_refused_with_a_sentence(place: Path) -> None:
    with EmbeddedPostgres(place) as postgres:
        server = postgres.start()
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"was made by PostgreSQL 16 and this is 18.*--postgres-bin"):
        EmbeddedPostgres(place).start()
    (server.data / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(place) as postgres:
        assert fetch(postgres.start(), "SELECT 1") == 1


def test_missing_programs_are_named(place: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"no PostgreSQL program 'postgres' in .*--postgres-bin"):
        EmbeddedPostgres(place, postgres_bin=place).start()


def test_a_folder_in_the_way_is_named(place: Path) -> None:
    (place / "postgres").mkdir()
    (place / "postgres" / "letter.txt").write_text("not a database")
    with pytest.raises(EmbeddedPostgresError, match="is not a PostgreSQL database: move it away"):
        EmbeddedPostgres(place).start()
    assert (place / "postgres" / "letter.txt").exists()


def test_a_file_in_the_way_is_named(place: Path) -> None:
    (place / "data").write_text("a file")
    with pytest.raises(EmbeddedPostgresError, match="choose another --data-dir"):
        EmbeddedPostgres(place / "data").start()


def test_a_failed_start_says_the_last_words_of_the_log(place: Path) -> None:
    with EmbeddedPostgres(place) as postgres:
        server = postgres.start()
    (server.data / "postgresql.conf").write_text("work_mem = 'plenty'\n")
    with pytest.raises(EmbeddedPostgresError, match=r"ended while it started \(.*work_mem|FATAL.*postgres.log"):
        EmbeddedPostgres(place).start()


def test_a_socket_folder_of_somebody_else_is_refused(place: Path) -> None:
    with EmbeddedPostgres(place) as postgres:
        folder = socket_dir(postgres.start())
    folder.symlink_to(place)
    try:
        with pytest.raises(EmbeddedPostgresError, match=r"is not a private folder .*: remove it"):
            EmbeddedPostgres(place).start()
    finally:
        folder.unlink()


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
