"""An S3 server for tests: moto's, as a process of its own. It keeps everything in memory."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import httpx
from tests.server.serving import DEADLINE

BUCKET = "strongroom-files"
_KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "a secret", "AWS_REGION": "us-east-1"}


class ObjectStore:
    """A running server; ``under`` is what its command is put behind."""

    def __init__(self, address: str, port: int, under: Sequence[str] = ()) -> None:
        command = [*under, sys.executable, "-m", "moto.server", "-H", address, "-p", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def make_bucket(self, url: str) -> None:
        """Wait until it answers at ``url``, and make the bucket ``BUCKET``."""
        deadline = time.monotonic() + DEADLINE
        while True:
            with suppress(httpx.TransportError):
                httpx.put(f"{url}/{BUCKET}").raise_for_status()
                return
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(DEADLINE)


def at_endpoint(url: str) -> dict[str, str]:
    """The environment in which the bucket is found at an S3 server's URL."""
    return _KEYS | {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true"}


@contextmanager
def object_store() -> Iterator[str]:
    """A server with an empty bucket on this machine; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server, url = ObjectStore("127.0.0.1", port), f"http://127.0.0.1:{port}"
    try:
        server.make_bucket(url)
        yield url
    finally:
        server.stop()
