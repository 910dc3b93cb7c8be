"""What keeps the bundled PostgreSQL from starting is said in one sentence."""

from pathlib import Path

import pytest
from tests.store.embedded_servers import fetch, socket_dir

from strongroom.store.embedded import EmbeddedPostgres, EmbeddedPostgresError


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
