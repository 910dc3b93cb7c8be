"""A Vault whose files lie in an object store: served by the real command, and swept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import obstore
import pytest
from tests.process.vault_client import FIELDS, VaultClient
from tests.server.conftest import place, start, start_prepared
from tests.server.serving import Starting
from tests.services.documents import bytes_of, document
from tests.store.object_store import BUCKET, at_endpoint, object_store

from strongroom.config import Settings
from strongroom.main.vault import open_vault
from strongroom.services import documents, housekeeping, users
from strongroom.vault import Vault

__all__ = ["place", "start", "start_prepared"]
MIB = 1024 * 1024
LARGE = bytes(range(256)) * (12 * MIB // 256) + b"end"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with object_store() as url:
        yield url


def test_a_server_keeps_its_files_there_and_nothing_of_them_beside(start_prepared: Starting, server: str) -> None:
    running = start_prepared("--limits", "off", "--blobs", f"s3://{BUCKET}/served", **at_endpoint(server))
    with VaultClient.logged_in(running) as client:
        small = client.fill(20, different=4)
        row = client.post("objects/documents", data=FIELDS | {"name__v": "Large"}, files={"file": ("l.bin", LARGE)})
        assert client.get(f"objects/documents/{row['id']}/file").content == LARGE
        job_id = client.export([*small, row["id"]])
        assert client.wait_for(job_id)["status"] == "SUCCESS"
        exported = client.exported(job_id)
        assert {number: exported[number] for number in small} == small
        assert set(exported) == {*small, row["id"]}
    assert not (running.data_dir / "blobs").exists()
    assert httpx.get(f"{server}/{BUCKET}?list-type=2&prefix=served/1001/").text.count("<Key>") == 5
    assert running.stop() == 0
    again = start_prepared("--workers", 0, "--limits", "off", "--blobs", f"s3://{BUCKET}/served", **at_endpoint(server))
    with VaultClient.logged_in(again) as client:
        assert client.get(f"objects/documents/{row['id']}/file").content == LARGE


@pytest.mark.anyio
async def test_what_nobody_refers_to_is_swept_from_it(
    database_url: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in at_endpoint(server).items():
        monkeypatch.setenv(name, value)
    settings = Settings(data_dir=tmp_path, database_url=database_url, blobs=f"s3://{BUCKET}/swept")
    async with open_vault(settings) as system:
        admin = await users.find(system, "admin@localhost")
        assert admin is not None
        vault = system.as_user(admin)
        kept, gone = await document(vault, "Kept", b"kept"), await document(vault, "Gone", LARGE)
        kept_content = (await documents.source(vault, kept)).content_id
        await documents.delete(vault, gone)
        stray = f"{vault.info.blob_folder}/{'0' * 32}"
        await obstore.put_async(vault.blobs.store, stray, b"an upload whose row was never written")
        elsewhere = f"{vault.info.blob_folder}x/{'0' * 32}"
        await obstore.put_async(vault.blobs.store, elsewhere, b"of another Vault")
        assert len(await _keys(vault)) == 4
        assert await housekeeping.search_blobs(vault, _in_hours(25)) == 1
        for hours in (25, 50, 75):
            await housekeeping.sweep_blobs(vault, _in_hours(hours))
        left = await _keys(vault)
        assert stray not in left
        assert elsewhere in left
        assert len(left) == 2
        assert await bytes_of(vault, kept_content) == b"kept"


async def _keys(vault: Vault) -> set[str]:
    return {each["path"] async for page in obstore.list(vault.blobs.store) for each in page}


def _in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)
