"""A content: bytes that never change, kept as an ordered list of immutable blobs."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Blob:
    """One immutable piece of bytes. ``sha256`` and ``md5`` are raw digests, ``written`` is when its last bytes came."""

    key: str
    size: int
    sha256: bytes
    md5: bytes
    written: datetime


@dataclass(frozen=True)
class Content:
    """Bytes that a version, a rendition or a staged file refers to. ``size`` in bytes, ``md5`` in lower-case hex."""

    id: int
    size: int
    md5: str
    sha256: str
