"""A disk that is full: what cannot be kept is refused in words, what was answered stays, and work goes on with space."""

import asyncio
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.process.vault_client import FIELDS, VaultClient
from tests.server.serving import Running, Starting

MIB = 1024 * 1024
PATIENCE = 120.0
Answers = dict[str, Any]


@pytest.fixture
def small_disk(place: Path) -> Iterator[Callable[[str, int], Path]]:
    """Make file systems of some MiB below the place, and take them away again."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    with ExitStack() as mounted:

        def make(name: str, size: int) -> Path:
            folder = place / name
            folder.mkdir(mode=0o755)
            options = f"size={size * MIB},mode=0755"
            command = ["mount", "-t", "tmpfs", "-o", options, "strongroom-test", str(folder)]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.returncode != 0:
                pytest.skip(f"a small file system cannot be mounted here: {answer.stderr.strip()}")
            mounted.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
            return folder

        yield make


def test_an_upload_that_fills_the_disk_is_refused_and_leaves_nothing(
    small_disk: Callable[[str, int], Path], start: Starting
) -> None:
    disk = small_disk("blobs", 48)
    server = start("--limits", "off", "--blobs", str(disk))
    with VaultClient.logged_in(server) as client:
        first = secrets.token_bytes(20 * MIB)
        kept = client.post("objects/documents", **document(first))["id"]
        files = contents_of(disk)
        for path, content in (("objects/documents", document(bytes(40 * MIB))), staging(client, bytes(40 * MIB))):
            assert_full(client.http.post(f"{client.base}/{path}", **content).json())
        assert contents_of(disk) == files, "no part of what was refused is left"
        with filled(disk):
            assert_full(client.http.post(f"{client.base}/objects/documents", **document(b"small")).json())
            assert client.get(f"objects/documents/{kept}/file").content == first
            # An export writes rows and no bytes.
            job_id = client.export([kept])
            assert client.wait_for(job_id)["status"] == "SUCCESS"
            assert client.exported(job_id).keys() == {kept}
        assert contents_of(disk) == files
        assert [each["document"]["id"] for each in client.get("objects/documents").json()["documents"]] == [kept]
        assert "staged.bin" not in client.get(f"services/file_staging/items/u{client.user_id}").text
        second = secrets.token_bytes(20 * MIB)
        made = client.post("objects/documents", **document(second))["id"]
        assert client.get(f"objects/documents/{made}/file").content == second
        assert server.stop() == 0
    assert "Traceback" not in server.log.whole()


def test_a_full_disk_of_the_database_is_ridden_out_and_nothing_answered_is_lost(
    small_disk: Callable[[str, int], Path], start: Starting
) -> None:
    data = small_disk("vault", 320)
    server = start("--limits", "off", data_dir=data)
    assert (data / "postgres").is_dir(), "the database lies on the small disk"
    with VaultClient.logged_in(server) as client:
        documents = client.fill(500, different=10)
        jobs = [client.export(documents)]
        with filled(data):
            jobs += exports_until_refused(client, documents)
            assert "No space left" in (data / "postgres.log").read_text()
    with logged_in_again(server) as client:
        compare(client, jobs, documents)


def test_a_full_disk_of_the_write_ahead_log_stops_postgresql_and_it_comes_back(
    small_disk: Callable[[str, int], Path], start: Starting
) -> None:
    data = small_disk("vault", 320)
    first = start("--limits", "off", data_dir=data)
    with VaultClient.logged_in(first) as client:
        documents = client.fill(200, different=5)
    assert first.stop() == 0
    disk = small_disk("wal", 96)
    shutil.copytree(data / "postgres" / "pg_wal", disk / "pg_wal")
    shutil.rmtree(data / "postgres" / "pg_wal")
    (data / "postgres" / "pg_wal").symlink_to(disk / "pg_wal")
    subprocess.run(["chown", "-R", "nobody", str(disk)], check=True)
    server = start("--limits", "off", data_dir=data)
    with VaultClient.logged_in(server) as client:
        jobs = [client.export(documents)]
        with filled(disk):
            jobs += exports_until_refused(client, documents, meanwhile=lambda: next_log_file(data))
            wait_until(lambda: "PANIC" in (data / "postgres.log").read_text(), "PostgreSQL stops")
    with logged_in_again(server) as client:
        compare(client, jobs, documents)
    assert server.stop() == 0


def compare(client: VaultClient, jobs: list[str], documents: dict[int, str]) -> None:
    """Every job that was answered with success ends well, and so does a new one."""
    for job_id in [*jobs, client.export(documents)]:
        wait_until(lambda: "run_end_date" in client.get(f"services/jobs/{job_id}").json()["data"], "the job ends")  # noqa: B023
        assert client.wait_for(job_id)["status"] == "SUCCESS"
        assert client.exported(job_id) == documents


def exports_until_refused(
    client: VaultClient, documents: dict[int, str], meanwhile: Callable[[], None] = lambda: None
) -> list[str]:
    """Start exports until one is refused or nobody answers; gives those that were answered with success."""
    started: list[str] = []
    deadline = time.monotonic() + PATIENCE
    body = [{"id": str(each)} for each in documents]
    while True:
        meanwhile()
        try:
            reply = client.http.post(f"{client.base}/objects/documents/batch/actions/fileextract", json=body).json()
        except httpx.TransportError:
            return started
        if reply["responseStatus"] != "SUCCESS":
            return started
        started.append(reply["job_id"])
        assert time.monotonic() < deadline, f"the disk is not full after {len(started)} exports"


@contextmanager
def logged_in_again(server: Running) -> Iterator[VaultClient]:
    """A new session, as soon as the database answers."""
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as entered:
        while True:
            try:
                client = entered.enter_context(VaultClient.logged_in(server))
                break
            except (KeyError, httpx.TransportError):
                assert time.monotonic() < deadline, "the server does not come back"
                time.sleep(0.2)
        yield client


def next_log_file(data: Path) -> None:
    """Have PostgreSQL begin a new file of its write-ahead log, as it does after each 16 MiB."""
    socket = (data / "postgres" / "postmaster.pid").read_text().splitlines()[4]

    async def switch() -> None:
        connection = await asyncpg.connect(host=socket, port=5432, user="strongroom", database="strongroom")
        try:
            await connection.execute("SELECT pg_switch_wal()")
        finally:
            await connection.close()

    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        asyncio.run(switch())


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it does not come to this: {what}"
        time.sleep(0.1)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Take all the space that is left, for as long as the block lasts."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MIB, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    try:
        yield
    finally:
        filler.unlink()


def assert_full(reply: Answers) -> None:
    """The envelope of an error of the server, that says what is the matter."""
    assert reply["responseStatus"] == "EXCEPTION"
    assert [error["type"] for error in reply["errors"]] == ["UNEXPECTED_ERROR"]
    assert "disk" in reply["errors"][0]["message"]


def contents_of(disk: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_size) for path in disk.rglob("*") if path.is_file()}


def document(data: bytes) -> Answers:
    return {"data": FIELDS | {"name__v": "A document"}, "files": {"file": ("file.bin", data)}}


def staging(client: VaultClient, data: bytes) -> tuple[str, Answers]:
    form = {"kind": "file", "path": f"/u{client.user_id}/staged.bin"}
    return "services/file_staging/items", {"data": form, "files": {"file": ("staged.bin", data)}}
