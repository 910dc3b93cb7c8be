"""A file far larger than the memory that may be used for it: up as a document, down again, the same.

``pytest tests/process/test_large_files.py --log-cli-level=info`` shows the times and how much memory it took.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.process.vault_client import FIELDS, VaultClient
from tests.server.serving import Running, Starting

MIB = 1024 * 1024
SIZE = 2048 * MIB
LIMIT = 150 * MIB
log = logging.getLogger(__name__)

BOUNDARY = "a-boundary-that-is-in-no-piece"


@dataclass
class Pieces:
    """A file that exists only while it is read: no two of its pieces are the same."""

    size: int
    rest: bytes = field(default_factory=lambda: os.urandom(MIB - 8))

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self.size // MIB):
            yield number.to_bytes(8, "big") + self.rest


def multipart(file: Pieces, digest: "hashlib._Hash") -> Iterator[bytes]:
    for name, value in (FIELDS | {"name__v": "A large file"}).items():
        yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'.encode()
    for piece in file:
        digest.update(piece)
        yield piece
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def peaks(server: Running) -> dict[str, int]:
    """The most memory that each process of the server has had at a time, shared libraries included, in bytes."""
    found = {"serve": _peak(server.process.pid)}
    for role in ("_web", "_worker"):
        found |= {f"{role} {child.pid}": _peak(child.pid) for child in server.children(role)}
    return found


def upload(client: VaultClient, file: Pieces) -> tuple[int, str]:
    """The new document's id, and the MD5 of what was sent."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    digest = hashlib.md5(usedforsecurity=False)
    content = multipart(file, digest)
    reply = client.http.post(f"{client.base}/objects/documents", content=content, headers=headers).json()
    assert reply["responseStatus"] == "SUCCESS", reply
    document_id: int = reply["id"]
    return document_id, digest.hexdigest()


def download(client: VaultClient, document_id: int) -> Iterator[bytes]:
    with client.http.stream("GET", f"{client.base}/objects/documents/{document_id}/file") as reply:
        yield from reply.iter_raw(MIB)


def test_it_goes_up_and_down_unchanged_in_little_memory(start_prepared: Starting) -> None:
    server = start_prepared()
    file = Pieces(SIZE)
    with VaultClient.logged_in(server) as client:
        before, began = peaks(server), time.monotonic()
        assert len(before) == 3
        document_id, md5 = upload(client, file)
        uploaded = time.monotonic()
        assert all(got == sent for got, sent in zip(download(client, document_id), file, strict=True))
        downloaded = time.monotonic()
        fields = client.get(f"objects/documents/{document_id}").json()["document"]
    assert (fields["size__v"], fields["md5checksum__v"]) == (SIZE, md5)
    after = peaks(server)
    told = ", ".join(f"{name} {before[name] / MIB:.0f} -> {after[name] / MIB:.0f} MiB" for name in before)
    log.info("up in %.1f s, down in %.1f s; peaks: %s", uploaded - began, downloaded - uploaded, told)
    assert after.keys() == before.keys()
    assert max(after.values()) < LIMIT, told


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
