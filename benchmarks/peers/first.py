"""The moment at which a worker has begun with the first of its tasks: written once, by whichever process is first."""

import contextlib
import os
import time

FILE = "BENCHMARK_FIRST"
"""The environment variable that names the file. Without it nothing is written."""


class First:
    """What a task calls at its begin."""

    def __init__(self) -> None:
        self._file = os.environ.get(FILE)

    def note(self) -> None:
        """Write down the moment, on the clock that all processes of the machine share."""
        if self._file is None:
            return
        file, self._file = self._file, None
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            os.write(descriptor, f"{time.monotonic()}\n".encode())
            os.close(descriptor)
