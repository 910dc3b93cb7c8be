"""Upload and download of a large file, beside a bare Starlette endpoint that writes and reads the same file."""

import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from benchmarks.measure import Bound, Comparison, Effort, Side, in_turn, used_by
from benchmarks.servers import Strongroom, free_port, python, strongroom

_MIB = 1 << 20
_BOUNDARY = "a-boundary-that-is-in-no-file"
_OURS, _BARE = "Strongroom", "bare Starlette"
_PIECE = 256 * 1024
_DOCUMENTS = "/api/v26.1/objects/documents"

_ABOUT = {
    "Upload": "Strongroom makes a document of a form (multipart), hashes what comes (SHA-256 and MD5) and keeps "
    "it in blobs; the bare endpoint writes the raw body to a file. Both have it on the disk (fsync) before they "
    "answer.",
    "Download": "The client reads into memory, and compares when the clock has stopped. Bare: Starlette's file "
    "response.",
}


@dataclass(frozen=True)
class File:
    """The file that is sent, on the disk; and room for what comes back: it is compared after the clock has stopped."""

    path: Path
    size: int
    md5: str
    received: bytearray = field(repr=False)

    def is_received(self) -> bool:
        """Whether what has come back is the file."""
        return hashlib.md5(self.received, usedforsecurity=False).hexdigest() == self.md5


def run(effort: Effort) -> list[Comparison]:
    """Measure both ways in turn: up, then down."""
    ways = {way: {name: Side(name) for name in (_OURS, _BARE)} for way in ("Upload", "Download")}
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="file-bench-") as folder,
        strongroom("--workers", "0") as server,
        python("-m", "benchmarks.bare", port, folder, ready=port) as bare,
    ):
        file = _file(Path(folder) / "sent", effort.of(1000, 8) * 1_000_000)
        web = server.children("_web")[0]

        def measured(way: str, name: str, process: psutil.Process, deed: Callable[[], float]) -> None:
            with used_by(lambda: [process]) as used:
                seconds = deed()
            # What the process has done before and after the clock ran is next to nothing.
            cpu = 100 * used.cpu / seconds
            ways[way][name].add(file.size / seconds / 1e6, cpu=cpu, memory=used.memory)

        in_turn(
            effort.rounds,
            lambda: measured("Upload", _OURS, web, lambda: _upload(server, file)),
            lambda: measured("Upload", _BARE, bare, lambda: _upload_bare(port, file)),
            lambda: measured("Download", _OURS, web, lambda: _download(server, file)),
            lambda: measured("Download", _BARE, bare, lambda: _fetch(port, "/", {}, file)),
            lambda: _give_back(server.data_dir / "blobs"),
        )
    return [
        Comparison(
            f"{way} of {file.size / 1e9:g} GB",
            "MB/s",
            list(sides.values()),
            [Bound(_OURS, (_BARE,), at_least=0.6)],
            f"{_ABOUT[way]} One web process, HTTP without TLS; CPU and memory are the web process's.",
        )
        for way, sides in ways.items()
    ]


def _file(path: Path, size: int) -> File:
    """Make a file of random bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as out:
        left = size
        while left:
            piece = os.urandom(min(left, _MIB))
            digest.update(piece)
            left -= out.write(piece)
    return File(path, size, digest.hexdigest(), bytearray(size))


def _give_back(folder: Path) -> None:
    """Have the system take back the memory that keeps the files of a folder.

    The bare endpoint writes over one file, which stays in memory; we keep each. On a virtual machine memory that is
    used for the first time costs ten times as much as the write itself, and only we would pay that.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _upload(server: Strongroom, file: File) -> float:
    fields = {"name__v": "A large file", "type__v": "General", "lifecycle__v": "General Lifecycle"}
    head = "".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    headers = {"Authorization": server.session, "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    ends = head.encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()
    seconds, body = _send(_port(server), _DOCUMENTS, headers, file, ends)
    reply = json.loads(body)
    assert reply["responseStatus"] == "SUCCESS", reply
    with server.client() as http:
        document = http.get(f"/objects/documents/{reply['id']}").json()["document"]
    assert (document["size__v"], document["md5checksum__v"]) == (file.size, file.md5)
    return seconds


def _upload_bare(port: int, file: File) -> float:
    seconds, body = _send(port, "/", {"Content-Type": "application/octet-stream"}, file, (b"", b""))
    assert json.loads(body) == {"size": file.size}
    return seconds


def _download(server: Strongroom, file: File) -> float:
    """Read the document of the first upload."""
    return _fetch(_port(server), f"{_DOCUMENTS}/1/file", {"Authorization": server.session}, file)


def _send(port: int, place: str, headers: dict[str, str], file: File, ends: tuple[bytes, bytes]) -> tuple[float, bytes]:
    """Send the file as the body of a POST, between two ends; gives the seconds until the answer, and its body."""
    length = {"Content-Length": str(file.size + sum(map(len, ends)))}
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection, file.path.open("rb") as source:
        began = time.perf_counter()
        connection.sendall(_head("POST", place, headers | length) + ends[0])
        connection.sendfile(source)
        connection.sendall(ends[1])
        answer = b"".join(iter(lambda: connection.recv(_PIECE), b""))
        seconds = time.perf_counter() - began
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    return seconds, body


def _fetch(port: int, place: str, headers: dict[str, str], file: File) -> float:
    """Read a file into the room for it; gives the seconds until its last byte."""
    file.received[:] = bytes(file.size)
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        began = time.perf_counter()
        connection.sendall(_head("GET", place, headers))
        start = b""
        while b"\r\n\r\n" not in start:
            piece = connection.recv(_PIECE)
            assert piece, start
            start += piece
        head, _, first = start.partition(b"\r\n\r\n")
        view, at = memoryview(file.received), len(first)
        view[:at] = first
        while at < file.size and (count := connection.recv_into(view[at : at + 4 * _PIECE])):
            at += count
        seconds = time.perf_counter() - began
        view.release()
    assert head.startswith(b"HTTP/1.1 200"), head
    assert file.is_received()
    return seconds


def _head(method: str, place: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {place} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _port(server: Strongroom) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port
