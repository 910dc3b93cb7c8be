"""Size and checksums of a file that is downloaded."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fingerprint:
    """By which two files are the same. Checksums are in lower-case hex."""

    size: int
    sha256: str
    md5: str

    @classmethod
    def of(cls, pieces: Iterable[bytes]) -> "Fingerprint":
        """Of a stream, which is not kept."""
        size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for piece in pieces:
            size += len(piece)
            sha256.update(piece)
            md5.update(piece)
        return cls(size, sha256.hexdigest(), md5.hexdigest())
