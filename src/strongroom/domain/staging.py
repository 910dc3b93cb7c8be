"""File staging: paths, who sees which of them, and the items that lie there.

A path from the staging root begins with a slash and does not end with one; the root itself is ``/``. Admins see the
root; everybody else sees the own folder ``/u{id}`` as if it were the root (file-staging section 1).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from strongroom.domain.errors import InsufficientAccess, InvalidData
from strongroom.domain.user import User

NAME_MAX = 218
"""Bytes of one name, at most."""
PATH_MAX = 2000
"""Bytes of a whole path, at most: PostgreSQL's index takes no more than 2,700."""
FILE_MAX = 50 * 1024 * 1024
"""Bytes of a file that one call uploads, at most."""
ROOT = "/"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_USER_FOLDER = re.compile(r"u[1-9][0-9]*")


@dataclass(frozen=True)
class StagingItem:
    """A file or folder; ``path`` is from the staging root. A folder has no content, size or date."""

    kind: Literal["file", "folder"]
    path: str
    content_id: int | None = None
    size: int | None = None
    modified_date: datetime | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return name_of(self.path)


class Extract(msgspec.Struct, frozen=True):
    """A file that an export puts on file staging; ``path`` is from the staging root."""

    path: str
    content_id: int
    size: int


def resolve(user: User, written: str) -> str:
    """The path from the staging root that a user means by what was written; refuses another user's folder."""
    path = normalised(written)
    if user.is_admin or path == user.folder or path.startswith(user.folder + "/"):
        return path
    first = path.split("/", 2)[1]
    if _USER_FOLDER.fullmatch(first):
        raise InsufficientAccess(f"User [{user.id}] may not see the folder [{first}] of another user.")
    return user.folder if path == ROOT else user.folder + path


def shown(user: User, path: str) -> str:
    """The spelling of a path from the staging root that a user sees; ``resolve`` leads back from it."""
    if user.is_admin or not path.startswith(user.folder + "/"):
        return ROOT if path == user.folder and not user.is_admin else path
    own = path.removeprefix(user.folder)
    # Inside the own folder, a name like that of a user's folder would mean that one if the path began with it.
    return path if _USER_FOLDER.fullmatch(own.split("/", 2)[1]) else own


def normalised(written: str) -> str:
    """A path with one slash before each name and none at the end; refuses names that no file may have."""
    names = [name for name in written.split("/") if name]
    for name in names:
        check_name(name)
    path = "/" + "/".join(names)
    if len(path.encode()) > PATH_MAX:
        raise InvalidData(f"The path [{path[:60]}...] has more than {PATH_MAX} bytes.")
    return path


def parent_of(path: str) -> str:
    """The folder that an item lies in."""
    return path.rpartition("/")[0] or ROOT


def name_of(path: str) -> str:
    """The last part of a path; empty for the root."""
    return path.rpartition("/")[2]


def folders_above(path: str) -> list[str]:
    """The folders that lead to an item, from the top, without the root."""
    names = path.split("/")[1:-1]
    return ["/" + "/".join(names[: depth + 1]) for depth in range(len(names))]


def all_folders_above(paths: Iterable[str]) -> set[str]:
    """The folders that lead to these items, each once, without the root."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        # Where a folder is known, so are those above it.
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def check_name(name: str) -> None:
    """Refuse a name that no file may have."""
    shortened = name if len(name) <= 60 else name[:60] + "..."
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        seen = shortened.encode("ascii", "replace").decode()
        raise InvalidData(f"The name [{seen}] is not valid Unicode.") from error
    # A backslash is a character like any other here, but not on every machine that a file is downloaded to.
    if name in {"", "."} or ".." in name.split("\\"):
        raise InvalidData(f"The name [{shortened}] is not allowed: nothing can be called so.")
    if _CONTROL.search(name):
        raise InvalidData(f"The name [{_CONTROL.sub('?', shortened)}] has a control character, which is not allowed.")
    if size > NAME_MAX:
        raise InvalidData(f"The name [{shortened}] has {size} bytes; {NAME_MAX} are the most.")
