"""Heads of requests before the parser sees them: what real clients get wrong is mended where that is safe."""

import re

from strongroom.domain.errors import InvalidData, MethodNotSupported, VaultError

HEAD_MAX = 64 * 1024
"""Bytes of a request's line and headers, at most."""

HEADERS_MAX = 1000
END = b"\r\n\r\n"

# Not all names that are legal: to look for these few characters takes a third of the time. Others are seen to line by
# line, and so are the headers that would make the parser read the rest of the connection in another way.
_GOOD = re.compile(rb"(?!CONNECT )[A-Z]++ [!-~]++ HTTP/1\.[01]\r\n(?:[\w-]++:[^\r\n\0]*+\r\n)*+\r\n")
_SPECIAL = re.compile(rb"\n(?:host|upgrade|transfer-encoding):")
_ORDINARY = [b"\nhost:"]
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE = re.compile(rb"([A-Za-z]++) ([^ \0-\x1f\x7f](?:[^\0-\x1f\x7f]*[^ \0-\x1f\x7f])?) (HTTP/1\.[01])")
_BEGINNING = re.compile(rb"[A-Za-z]{1,40}(?: .*)?", re.DOTALL)
_TO_ENCODE = re.compile(rb"[^!-~]")
_STRAY = re.compile(rb"\r(?!\n|\Z)|(?<!\r)\n|\0")
_ACCEPT = re.compile(rb"\r\nAccept:[ \t]*([^\r\n]*)", re.IGNORECASE)
_VISIBLE = re.compile(rb"[!-~]+")
_NO_LETTER = re.compile(rb"[^a-z]")
_LEAST_HEADER = len(b"a:\r\n")


def mended(head: bytes) -> bytes:
    """Give a whole head as the parser is to read it, most often as it came.

    Blanks and bytes beyond ASCII in the target are percent-encoded. A header whose name is visible ASCII but no token
    is dropped, and so is ``Upgrade``, since we speak nothing else. All that could make two servers disagree on where
    a request ends is refused with a ``VaultError``.
    """
    if len(head) > HEAD_MAX:
        raise too_long()
    if len(head) > HEADERS_MAX * _LEAST_HEADER and head.count(b"\r\n") > HEADERS_MAX + 2:
        raise InvalidData(f"The request has more than {HEADERS_MAX} headers.")
    special = _SPECIAL.findall(head.lower())
    if special == _ORDINARY and _GOOD.fullmatch(head):
        return head
    return _mend(head)


def check_beginning(head: bytes, known: int) -> None:
    """Refuse a head that is not whole yet as soon as it cannot become a good one; ``known`` bytes were checked before.

    Without this, a client that speaks something else would have to wait until its time is over.
    """
    if len(head) > HEAD_MAX:
        raise too_long()
    line_end = head.find(b"\r\n")
    if line_end < 0:
        if head and not _BEGINNING.fullmatch(head):
            raise _no_line(head)
    elif line_end + 2 > known:
        _mend_line(head[:line_end])
    _refuse_stray(head, max(known - 1, 0))


def accepted(head: bytes) -> str | None:
    """The header ``Accept`` of a head that may be broken elsewhere."""
    found = _ACCEPT.search(head)
    return found[1].decode("latin-1") if found else None


def too_long() -> VaultError:
    """What a head without end is answered with."""
    return InvalidData(f"The request's headers have more than {HEAD_MAX} bytes.")


def _mend(head: bytes) -> bytes:
    _refuse_stray(head, 0)
    first, *lines = head.removesuffix(END).split(b"\r\n")
    line = _mend_line(first)
    kept = [each for each in lines if _is_kept(each)]
    encodings = [each for each in kept if each[:18].lower() == b"transfer-encoding:"]
    if encodings and (line.endswith(b"1.0") or [each[18:].strip(b" \t").lower() for each in encodings] != [b"chunked"]):
        raise InvalidData("The header Transfer-Encoding must be chunked, once, in a request of HTTP/1.1.")
    hosts = sum(each[:5].lower() == b"host:" for each in kept)
    if hosts > 1 or (hosts == 0 and not line.endswith(b"1.0")):
        raise InvalidData(f"A request of HTTP/1.1 has one header Host; this one has {hosts}.")
    return b"\r\n".join([line, *kept, b"", b""])


def _refuse_stray(head: bytes, start: int) -> None:
    if found := _STRAY.search(head, start):
        name = {b"\0": "NUL", b"\r": "CR", b"\n": "LF"}[found[0]]
        raise InvalidData(f"The request's headers hold a stray {name} at byte {found.start()}.")


def _mend_line(line: bytes) -> bytes:
    found = _LINE.fullmatch(line)
    if not found:
        raise _no_line(line)
    method, target, version = found.groups()
    if method == b"CONNECT":
        raise MethodNotSupported("The method [CONNECT] is not supported: this server is no proxy.")
    return b" ".join((method, _TO_ENCODE.sub(lambda each: b"%%%02X" % each[0][0], target), version))


def _no_line(line: bytes) -> VaultError:
    return InvalidData(f"The request does not begin with a line such as [GET /api/ HTTP/1.1] but [{_shown(line)}].")


def _is_kept(line: bytes) -> bool:
    name, colon, _ = line.partition(b":")
    if colon and _TOKEN.fullmatch(name):
        return name.lower() != b"upgrade"
    letters = _NO_LETTER.sub(b"", name.lower())
    # Another server may take such a name for the one it resembles. Blanks around a name are an old trick of that kind.
    if not colon or not _VISIBLE.fullmatch(name) or b"contentlength" in letters or b"transferencoding" in letters:
        raise InvalidData(f"The request has a line among its headers that is none: [{_shown(line)}].")
    return False


def _shown(line: bytes) -> str:
    shown = line[:60].decode("latin-1") + ("..." if len(line) > 60 else "")
    return "".join(each if each.isprintable() else "?" for each in shown)
