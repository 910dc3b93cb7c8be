"""A power cut, as far as the order of flushes can show it: what was answered is on the disk, whatever was not flushed.

The server's calls are traced from its first start. After the last reply all its processes are killed, everything that
was never flushed is removed from a copy of its data directory, and a new server answers from that copy.
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.process.power_cut import TRACED, Disk, calls
from tests.process.vault_client import FIELDS, VaultClient
from tests.server.serving import CLUSTERS, DEADLINE, Running, launch, open_place, serving

MIB = 1024 * 1024
PASSING = {"postgres.locks", "postgres.log", "lock", "server.json"}
"""What a data directory holds that need not outlive its server, and need not be flushed."""


@dataclass
class Answered:
    """What the server has said yes to, and when."""

    moments: list[tuple[float, str]] = field(default_factory=list)
    documents: dict[int, str] = field(default_factory=dict)
    staged: dict[str, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.moments.append((time.time(), what))


def test_whatever_was_answered_is_there_after_a_power_cut(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with open_place() as place, ExitStack() as started:
        data = place / "vault" / "data"
        server = started.enter_context(traced(trace, data))
        client = started.enter_context(VaultClient.logged_in(server))
        assert durable_settings(cluster_of(data)) == {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
        }
        answered = Answered()
        use(client, answered)
        ca = (data / "tls" / "ca.pem").read_bytes()
        kill(server)
        disk = cut(trace, place, answered)
        after = place / "after"
        shutil.copytree(data, after, symlinks=True)
        lost = forget(disk, data, after)
        assert lost <= PASSING, "never flushed, and needed by the next start"
        again = started.enter_context(serving(launch("--limits", "off", "--data-dir", after), after))
        assert (after / "tls" / "ca.pem").read_bytes() == ca, "clients need not trust it anew"
        with VaultClient.logged_in(again) as second:
            compare(second, answered)


def use(client: VaultClient, answered: Answered) -> None:
    """Uploads of all sorts, and an export; each is noted when its reply has come."""
    for size in (0, 1, 100_000, 3 * MIB + 17):
        data = os.urandom(size)
        made = client.post("objects/documents", data=FIELDS | {"name__v": f"{size}"}, files={"file": ("f.bin", data)})
        answered.note(f"document of {size} bytes")
        answered.documents[made["id"]] = checksum(data)
    for number in range(3):
        data, path = os.urandom(50_000), f"u{client.user_id}/in/{number}.bin"
        form = {"kind": "file", "path": f"/{path}"}
        client.post("services/file_staging/items", data=form, files={"file": ("f.bin", data)})
        answered.note(f"staged file {number}")
        answered.staged[path] = checksum(data)
        made = client.post("objects/documents/batch", json=[FIELDS | {"name__v": f"Staged {number}", "file": path}])
        answered.documents[made["data"][0]["id"]] = checksum(data)
    answered.jobs.append(client.export(answered.documents))
    assert client.wait_for(answered.jobs[0])["status"] == "SUCCESS"
    answered.note("export that has ended")
    answered.jobs.append(client.export(answered.documents))
    answered.note("export that was started")


def compare(client: VaultClient, answered: Answered) -> None:
    for document_id, expected in answered.documents.items():
        assert checksum(client.get(f"objects/documents/{document_id}/file").content) == expected
    for path, expected in answered.staged.items():
        assert client.download(path) == expected
    for job_id in answered.jobs:
        assert client.wait_for(job_id)["status"] == "SUCCESS"
        assert client.exported(job_id) == answered.documents


def cut(trace: Path, place: Path, answered: Answered) -> Disk:
    """Follow the trace, and see at each reply that the files that were written for it would stay."""
    disk = Disk(place)
    blobs = place / "vault" / "data" / "blobs"
    waiting = list(answered.moments)
    seen: list[Path] = []
    for call in sorted(calls(trace), key=lambda call: call.ended):
        while waiting and call.ended > waiting[0][0]:
            _, what = waiting.pop(0)
            seen = disk.files(blobs)
            assert [file for file in seen if not disk.keeps(file)] == [], f"lost although answered: {what}"
        disk.follow(call)
    assert len(seen) >= len(answered.documents) - 1, "the trace shows the files of the uploads"
    return disk


def forget(disk: Disk, data: Path, copy: Path) -> set[str]:
    """Take from a copy of the data directory what a power cut takes: folders go, files are empty; gives their names."""
    lost = set()
    for folder, folders, files in os.walk(data):
        for name in [*folders, *files]:
            path = Path(folder, name)
            inside = path.relative_to(data)
            # PostgreSQL sees to its own files: that it is allowed to is asserted beside this.
            if inside.parts[0] == "postgres" or disk.keeps(path):
                continue
            lost.add(inside.parts[0] if inside.parts[0] in PASSING else str(inside))
            if path.is_dir():
                shutil.rmtree(copy / inside, ignore_errors=True)
            elif (copy / inside).exists():
                (copy / inside).write_bytes(b"")
    return lost


def cluster_of(data: Path) -> Path:
    identity = data / "postgres.id"
    return CLUSTERS / identity.read_text().strip() if identity.exists() else data / "postgres"


def durable_settings(cluster: Path) -> dict[str, str]:
    """What decides whether PostgreSQL keeps a commit, as a connection of ours finds it."""

    async def ask() -> dict[str, str]:
        socket = (cluster / "postmaster.pid").read_text().splitlines()[4]
        connection = await asyncpg.connect(host=socket, port=5432, user="strongroom", database="strongroom")
        try:
            names = ("fsync", "synchronous_commit", "full_page_writes")
            return {name: await connection.fetchval(f"SHOW {name}") for name in names}
        finally:
            await connection.close()

    return asyncio.run(ask())


@contextmanager
def traced(trace: Path, data: Path) -> Iterator[Running]:
    """A server whose processes are all traced from the start; they are killed at the end."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    under = [strace, "-f", "--seccomp-bpf", "-ttt", "-T", "-y", "-s", "0", "-qq", "-e", f"trace={TRACED}"]
    under += ["-e", "signal=none", "-o", str(trace)]
    if subprocess.run([*under, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace is too old, or may not trace here")
    process = launch("--limits", "off", "--data-dir", data, under=under)
    with serving(process, data) as server:
        try:
            yield server
        finally:
            kill(server)


def kill(server: Running) -> None:
    """Kill all processes of the server at once, the watcher of its database and the tracer too."""
    if server.process.poll() is None:
        family = server.family()
        for each in [*family, psutil.Process(server.process.pid)]:
            each.kill()
        server.process.wait(DEADLINE)
        psutil.wait_procs(family, timeout=DEADLINE)


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
