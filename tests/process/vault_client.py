"""An ordinary HTTP client of a server, as an integration would write it."""

import hashlib
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from tests.server.serving import DEADLINE, Running

ENDED = {"SUCCESS", "ERRORS_ENCOUNTERED", "FAILED_TO_RUN", "CANCELLED", "TIMEOUT"}
FIELDS = {"type__v": "General", "lifecycle__v": "General Lifecycle"}
PATIENCE = 4 * DEADLINE  # a server that replaces its processes on a busy machine
EXPORT = "objects/documents/batch/actions/fileextract"


@dataclass(frozen=True)
class VaultClient:
    """A session of the admin; requests that a killed web process swallowed are sent again."""

    http: httpx.Client
    base: str
    user_id: int

    @classmethod
    @contextmanager
    def logged_in(cls, server: Running) -> "Iterator[VaultClient]":
        """A client for as long as the block lasts."""
        trust = ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")
        with httpx.Client(verify=trust, timeout=DEADLINE) as http:
            yield cls._log_in(http, server)

    @classmethod
    def _log_in(cls, http: httpx.Client, server: Running) -> "VaultClient":
        base = f"{server.url}/api/v26.1"
        password = (server.data_dir / "admin-password").read_text().strip()
        reply = http.post(f"{base}/auth", data={"username": "admin@localhost", "password": password}).json()
        http.headers["Authorization"] = reply["sessionId"]
        return cls(http, base, reply["userId"])

    def get(self, path: str) -> httpx.Response:
        """A request that changes nothing: sent again while no web process, or no database, answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                reply = self.http.get(f"{self.base}/{path}")
            except httpx.TransportError as error:
                problem = str(error)
            else:
                if reply.headers.get("X-VaultAPI-Status") != "EXCEPTION":
                    return reply
                problem = reply.text
            assert time.monotonic() < deadline, f"nobody answers {path}: {problem}"
            time.sleep(0.02)

    def post(self, path: str, **content: Any) -> dict[str, Any]:
        """A call that must succeed."""
        reply: dict[str, Any] = self.http.post(f"{self.base}/{path}", **content).json()
        assert reply["responseStatus"] == "SUCCESS", reply
        return reply

    def ask(self, path: str, **content: Any) -> dict[str, Any] | None:
        """A call during which somebody may be killed: None if the answer did not come, or says that it broke."""
        try:
            reply: dict[str, Any] = self.http.post(f"{self.base}/{path}", **content).json()
        except httpx.TransportError:
            return None
        assert reply["responseStatus"] in {"SUCCESS", "EXCEPTION"}, reply
        return reply if reply["responseStatus"] == "SUCCESS" else None

    def at(self, server: Running) -> "VaultClient":
        """The same session at the same Vault, started anew."""
        return replace(self, base=f"{server.url}/api/v26.1")

    def fill(self, documents: int, different: int) -> dict[int, str]:
        """Create documents with a few different files; gives the SHA-256 of each document's file by its id."""
        checksums = []
        for number in range(different):
            data = f"file {number}\n".encode() * (number * 100 + 1)
            form = {"kind": "file", "path": f"/u{self.user_id}/in/{number}.txt"}
            self.post("services/file_staging/items", data=form, files={"file": (f"{number}.txt", data)})
            checksums.append(hashlib.sha256(data).hexdigest())
        made: dict[int, str] = {}
        for first in range(0, documents, 500):
            numbers = [number % different for number in range(first, min(first + 500, documents))]
            rows = [FIELDS | {"name__v": f"Document {n}", "file": f"u{self.user_id}/in/{n}.txt"} for n in numbers]
            data = self.post("objects/documents/batch", json=rows)["data"]
            made |= {row["id"]: checksums[n] for row, n in zip(data, numbers, strict=True)}
        return made

    def export(self, documents: Iterable[int]) -> str:
        """Start an export; gives its job id."""
        job_id: str = self.post(EXPORT, json=as_rows(documents))["job_id"]
        return job_id

    def wait_for(self, job_id: int | str) -> dict[str, Any]:
        """The status of a job when it has ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            job: dict[str, Any] = self.get(f"services/jobs/{job_id}").json()["data"]
            if job["status"] in ENDED:
                return job
            assert time.monotonic() < deadline, f"job {job_id} is still {job['status']}"
            time.sleep(0.05)

    def exported(self, job_id: int | str) -> dict[int, str]:
        """The SHA-256 of each exported file, downloaded from file staging, by document id."""
        reply = self.get(f"{EXPORT}/{job_id}/results").json()
        assert reply["responseStatus"] == "SUCCESS", reply
        rows = reply["data"]
        found = {row["id"]: self.download(f"u{row['user_id__v']}/{row['file']}") for row in rows}
        assert len(found) == len(rows), "a document was exported twice"
        return found

    def download(self, item: str) -> str:
        """The SHA-256 of a file on file staging."""
        return self.content_of(f"services/file_staging/items/content/{item}")

    def content_of(self, path: str) -> str:
        """The SHA-256 of what a call gives."""
        return hashlib.sha256(self.get(path).content).hexdigest()


def as_rows(documents: Iterable[int]) -> list[dict[str, str]]:
    """The body of a call that names documents."""
    return [{"id": str(each)} for each in documents]
