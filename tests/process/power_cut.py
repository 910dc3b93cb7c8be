"""What a power cut leaves: a file system that is followed by its system calls, and keeps only what was flushed.

``strace`` writes the calls down. A name in a folder is kept once the folder was flushed after it was made, a file's
bytes once the file was flushed after the last of them was written. That is the least that POSIX promises; real file
systems keep more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TRACED = (
    "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,write,pwrite64,writev,"
    "pwritev,pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,sync,syncfs"
)
_WRITING = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate", "sendfile"}
_FLUSHING = {"fsync", "fdatasync", "sync", "syncfs"}

_LINE = re.compile(r"(?P<pid>\d+) +(?P<time>\d+\.\d+) (?P<rest>.*)")
_WHOLE = re.compile(r"(?P<name>\w+)\((?P<given>.*)\) += (?P<answer>-?\d+|\?)(?P<more>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")
_TOOK = re.compile(r"<(\d+\.\d+)>$")
_DESCRIPTOR = re.compile(r"^(?:\d+|AT_FDCWD)<(?P<path>/[^>]*)>")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Call:
    """One system call that succeeded; ``ended`` is when, in seconds since 1970."""

    ended: float
    name: str
    given: str


def calls(trace: Path) -> Iterator[Call]:
    """Read what strace has written (``-f -ttt -T -y``), in the order in which the calls ended."""
    begun: dict[str, str] = {}
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if not found:
                continue
            rest = found["rest"]
            if rest.endswith("<unfinished ...>"):
                begun[found["pid"]] = rest.removesuffix("<unfinished ...>").rstrip()
                continue
            if resumed := _RESUMED.match(rest):
                rest = begun.pop(found["pid"], "") + resumed["rest"].lstrip()
                took = 0.0
            else:
                seconds = _TOOK.search(rest)
                took = float(seconds[1]) if seconds else 0.0
            whole = _WHOLE.match(rest)
            if whole and not whole["answer"].startswith(("-", "?")):
                yield Call(float(found["time"]) + took, whole["name"], whole["given"])


@dataclass
class _File:
    """The bytes of a file: how often they were changed, and how often when they were last flushed."""

    changes: int = 0
    flushed: int = 0


@dataclass
class _Folder:
    """The names in a folder now, and those that a power cut would leave."""

    names: dict[str, "_File | _Folder"] = field(default_factory=dict)
    kept: dict[str, "_File | _Folder"] = field(default_factory=dict)


@dataclass
class Disk:
    """The part of a file system below ``root``, which is there and empty before the first call."""

    root: Path
    top: _Folder = field(default_factory=_Folder)

    def follow(self, call: Call) -> None:
        """Do what the call did."""
        if call.name in _WRITING:
            self._changed(_descriptor(call.given))
        elif call.name == "copy_file_range":
            self._changed(_descriptor(call.given.split(", ")[2]))
        elif call.name in _FLUSHING:
            self._flush(call)
        elif paths := [self._absolute(call.given, text) for text in _TEXT.findall(call.given)]:
            self._named(call, paths)

    def keeps(self, path: Path) -> bool:
        """Whether a power cut now leaves this file or folder, whole and as it is."""
        place: _File | _Folder | None = self.top
        for name in path.relative_to(self.root).parts:
            if not isinstance(place, _Folder) or place.kept.get(name) is not place.names.get(name):
                return False
            place = place.kept.get(name)
        return isinstance(place, _Folder) or (isinstance(place, _File) and place.changes == place.flushed)

    def files(self, below: Path) -> list[Path]:
        """The files below a folder as they are now."""
        place = self._find(below)
        return sorted(_files(below, place)) if isinstance(place, _Folder) else []

    def _flush(self, call: Call) -> None:
        if call.name in {"sync", "syncfs"}:
            self._flush_all(self.top)
        else:
            self._flushed(_descriptor(call.given), folder=call.name == "fsync")

    def _named(self, call: Call, paths: list[Path]) -> None:
        if call.name in {"openat", "open", "creat"}:
            self._opened(paths[0], call)
        elif call.name in {"mkdir", "mkdirat"}:
            self._put(paths[0], _Folder())
        elif call.name.startswith("rename"):
            self._put(paths[1], self._take(paths[0]))
        elif call.name in {"link", "linkat"}:
            self._put(paths[1], self._find(paths[0]))
        elif call.name == "truncate":
            self._changed(paths[0])
        else:
            self._take(paths[0])

    def _opened(self, path: Path, call: Call) -> None:
        known = self._find(path)
        if known is None and "O_CREAT" in call.given and "O_TMPFILE" not in call.given:
            self._put(path, _File())
        elif isinstance(known, _File) and "O_TRUNC" in call.given:
            known.changes += 1

    def _changed(self, path: Path | None) -> None:
        if isinstance(place := path and self._find(path), _File):
            place.changes += 1

    def _flushed(self, path: Path | None, *, folder: bool) -> None:
        place = path and self._find(path)
        if isinstance(place, _File):
            place.flushed = place.changes
        elif isinstance(place, _Folder) and folder:
            place.kept = dict(place.names)

    def _flush_all(self, folder: _Folder) -> None:
        folder.kept = dict(folder.names)
        for place in folder.names.values():
            if isinstance(place, _Folder):
                self._flush_all(place)
            else:
                place.flushed = place.changes

    def _find(self, path: Path) -> "_File | _Folder | None":
        if not path.is_relative_to(self.root):
            return None
        place: _File | _Folder | None = self.top
        for name in path.relative_to(self.root).parts:
            place = place.names.get(name) if isinstance(place, _Folder) else None
        return place

    def _put(self, path: Path, place: "_File | _Folder | None") -> None:
        folder = self._find(path.parent)
        if isinstance(folder, _Folder) and place is not None:
            folder.names[path.name] = place

    def _take(self, path: Path) -> "_File | _Folder | None":
        folder = self._find(path.parent)
        return folder.names.pop(path.name, None) if isinstance(folder, _Folder) else None

    def _absolute(self, given: str, text: str) -> Path:
        path = Path(text)
        before = given[: given.find(f'"{text}"')].rpartition(", ")[0].rpartition(", ")[2]
        folder = _descriptor(before)
        return path if path.is_absolute() or folder is None else folder / path


def _descriptor(given: str) -> Path | None:
    found = _DESCRIPTOR.match(given)
    return Path(found["path"].removesuffix(" (deleted)")) if found else None


def _files(path: Path, place: _Folder) -> Iterator[Path]:
    for name, each in place.names.items():
        if isinstance(each, _Folder):
            yield from _files(path / name, each)
        else:
            yield path / name
