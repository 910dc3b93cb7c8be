"""Several hosts meet one database: who prepares it, and who is refused because it is another version's."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.conftest import ADMIN, PASSWORD
from tests.server.serving import DEADLINE, environment
from tests.server.test_serve import refused

from strongroom.config import Settings
from strongroom.main.preparation import prepare
from strongroom.main.vault import open_vault
from strongroom.services import users

pytestmark = pytest.mark.anyio


async def test_servers_that_start_together_on_an_empty_database_make_one_vault(
    empty_database_url: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {
        "database_url": empty_database_url,
        "admin_user": ADMIN,
        "seed": "sample",
        "blobs": str(tmp_path / "b"),
    }
    each = [Settings(data_dir=tmp_path / str(number), **given) for number in range(4)]
    for settings in each:
        settings.data_dir.mkdir()
    passwords = await asyncio.gather(*(prepare(settings) for settings in each))
    assert sum(password is not None for password in passwords) == 1
    async with open_vault(each[0]) as vault:
        assert await users.find(vault, ADMIN) is not None


async def test_a_worker_waits_for_no_server_but_says_that_one_must_come_first(
    empty_database_url: str, tmp_path: Path
) -> None:
    sentence = await asyncio.to_thread(_worker, tmp_path, "--database-url", empty_database_url)
    assert "is not ready for this version of Strongroom" in sentence
    assert "start a strongroom serve of this version first" in sentence


async def test_a_database_of_a_newer_version_is_refused(database_url: str, place: Path) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9000'")
    await connection.close()
    for sentence in (
        await asyncio.to_thread(refused, "--data-dir", place / "data", "--database-url", database_url),
        await asyncio.to_thread(_worker, place / "work", "--database-url", database_url),
    ):
        assert "was prepared by a newer version of Strongroom" in sentence
        assert PASSWORD not in sentence


def test_a_worker_without_a_database_says_how_to_name_one(tmp_path: Path) -> None:
    sentence = _worker(tmp_path, code=2)
    assert "needs the database of its server" in sentence
    assert "STRONGROOM_DATABASE_URL" in sentence


def _worker(data_dir: Path, *options: str, code: int = 1) -> str:
    """The one sentence with which ``strongroom worker`` refuses to start."""
    command: Sequence[str] = [sys.executable, "-m", "strongroom", "worker", "--data-dir", str(data_dir), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr
