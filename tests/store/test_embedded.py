"""The bundled PostgreSQL: real servers, as root and as an ordinary user; how they start and who shares them."""

import os
from pathlib import Path

import psutil
import pytest
from tests.store.embedded_servers import Owner, fetch, is_dead, postgres_user, socket_dir, wait_until

from strongroom.store.embedded import EmbeddedPostgres


def test_first_start_makes_a_durable_private_cluster(place: Path) -> None:
    data = place / "data"
    with EmbeddedPostgres(data) as postgres:
        server = postgres.start()
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


@pytest.mark.parametrize("name", ["x" * 200, "a space, a 'quote' and Größe"])
def test_long_and_odd_paths_work(place: Path, name: str) -> None:
    owner = Owner(place / name)
    server = owner.server()
    assert fetch(server, "SELECT 1") == 1
    assert server.data == place / name / "postgres"
    owner.kill()
    wait_until(lambda: is_dead(server.pid) and not socket_dir(server).exists())
