"""The bundled PostgreSQL when something of it is killed: its owner, its watcher, itself."""

import concurrent.futures
import contextlib
import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from tests.store.embedded_servers import DEADLINE, Owner, fetch, is_dead, postgres_user, socket_dir, wait_until

from strongroom.store.embedded import EmbeddedPostgres
from strongroom.store.embedded.binaries import find_binaries
from strongroom.store.embedded.watcher import LOCKS, OWNERS, take_lock


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


def test_a_lock_that_outlives_a_killed_owner_for_a_moment_does_not_keep_its_server(place: Path) -> None:
    owner = Owner(place)
    server = owner.server()
    # As a process does that the owner was about to start: it has all files of the owner until it is another program.
    lock = take_lock(place / LOCKS / OWNERS, fcntl.LOCK_SH)
    owner.kill()
    time.sleep(0.5)
    assert not is_dead(server.pid)
    os.close(lock)
    wait_until(lambda: is_dead(server.pid))


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
