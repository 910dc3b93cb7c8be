"""A server says at its start that the bytes of files cannot be kept, in one sentence, and not at the first upload."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import DEADLINE, Starting, environment
from tests.server.test_serve import refused

from strongroom.config import Settings
from strongroom.main.vault import open_vault

pytestmark = pytest.mark.anyio

# Blobs are looked for before the database is: none has to be made for a refusal.
NOWHERE = ("--database-url", "postgresql://127.0.0.1:1/none")
ALONE = (*NOWHERE, "--workers", 0)

# For an endpoint where nobody listens: so a test asks no cloud, and waits for none.
_KEYS: dict[str, Any] = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}


@pytest.fixture
def endpoint() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("url", ["s3://", "http://["])
def test_a_url_that_is_none(place: Path, url: str) -> None:
    sentence = refused(*ALONE, "--data-dir", place / "data", "--blobs", url)
    assert f"cannot be kept in {url}: " in sentence
    assert "Correct --blobs" in sentence


def test_an_object_store_that_cannot_be_reached(place: Path, endpoint: str) -> None:
    changed: dict[str, Any] = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", **_KEYS}
    sentence = refused(
        *NOWHERE, "--data-dir", place / "data", "--blobs", "s3://bucket/files?signature=secret", **changed
    )
    assert "cannot be kept in s3://bucket/files: " in sentence
    assert endpoint in sentence
    assert "secret" not in sentence


def test_no_credentials(place: Path, endpoint: str) -> None:
    sentence = refused(*ALONE, "--data-dir", place / "data", "--blobs", "s3://bucket", AWS_METADATA_ENDPOINT=endpoint)
    assert "cannot be kept in s3://bucket: " in sentence


def test_a_folder_that_is_a_file(place: Path) -> None:
    (place / "file").write_text("mine")
    sentence = refused(*ALONE, "--data-dir", place / "data", "--blobs", place / "file")
    assert f"cannot be kept in {place / 'file'}: " in sentence


def test_a_worker_on_its_own_says_so_too(place: Path, endpoint: str) -> None:
    changed: dict[str, Any] = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", **_KEYS}
    command = [sys.executable, "-m", "strongroom", "worker", *NOWHERE, "--data-dir", str(place / "data")]
    command += ["--blobs", "s3://bucket"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(**changed), timeout=DEADLINE, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "strongroom: The bytes of files cannot be kept in s3://bucket: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_look_leaves_nothing_behind(start_prepared: Starting, place: Path) -> None:
    server = start_prepared("--workers", 0, "--blobs", f"file://{place}/my%20files")
    assert [path for path in (place / "my files").rglob("*") if path.is_file()] == []
    assert server.get("/api/")[0] == 200


@pytest.mark.parametrize("spelled", ["file://{}", "{}"])
async def test_a_folder_is_flushed_however_it_is_spelled(settings: Settings, tmp_path: Path, spelled: str) -> None:
    place = spelled.format(tmp_path / "files")
    async with open_vault(settings.model_copy(update={"blobs": place})) as vault:
        assert vault.blobs.folder == tmp_path / "files"
