"""File staging: items listed, folders and files created, files opened, extracts put there."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from strongroom.domain import staging
from strongroom.domain.content import Content
from strongroom.domain.dates import whole_second
from strongroom.domain.errors import InvalidData, ItemNameExists, VaultError
from strongroom.domain.staging import ROOT, Extract, StagingItem
from strongroom.domain.user import User
from strongroom.store import staging as rows
from strongroom.store.database import Connection
from strongroom.vault import Vault

LIST_MAX = 1000
CURSOR_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class Listing:
    """Items of a folder, with paths as the user sees them, and the cursor of the next page if there is one."""

    items: Sequence[StagingItem]
    cursor: str | None = None


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on: it carries the folder, since the next page's URL does not."""

    folder: str
    after: str
    recursive: bool
    until: int


async def list_items(
    vault: Vault, path: str = "", *, recursive: bool = False, limit: int = LIST_MAX, cursor: str | None = None
) -> Listing:
    """The items of a folder in the order of their paths; a file gives itself."""
    if not 1 <= limit <= LIST_MAX:
        raise InvalidData(f"[limit] must be from 1 to {LIST_MAX}: [{limit}].")
    now = vault.clock.now()
    if cursor is None:
        start = _Cursor(staging.resolve(vault.user, path), "", recursive, 0)
    else:
        start = _read_cursor(cursor, vault.user, now)
    async with vault.database.reading() as connection:
        item = await _existing(connection, vault.user, start.folder)
        if item.kind == "file":
            return Listing([_shown(vault, item)])
        found = await rows.list_below(
            connection, start.folder, recursive=start.recursive, after=start.after, limit=limit + 1
        )
    following = None
    if len(found) > limit:
        found = found[:limit]
        until = int((now + CURSOR_LIFE).timestamp())
        following = _write_cursor(_Cursor(start.folder, found[-1].path, start.recursive, until))
    return Listing([_shown(vault, item) for item in found], following)


async def create_folder(vault: Vault, path: str) -> StagingItem:
    """Make a folder and those above it."""
    item = StagingItem("folder", staging.resolve(vault.user, path))
    if item.path in {ROOT, vault.user.folder}:
        raise ItemNameExists(f"The folder [{staging.shown(vault.user, item.path)}] exists already.")
    async with vault.database.transaction() as connection:
        await _make_way(connection, vault, [item.path])
        made = await rows.add_folders(connection, [item.path], _now(vault), vault.user.id)
    if not made:
        raise ItemNameExists(f"An item [{staging.shown(vault.user, item.path)}] exists already.")
    return _shown(vault, item)


async def create_file(vault: Vault, path: str, content: Content, *, overwrite: bool = False) -> StagingItem:
    """Put a stored content on file staging, with the folders above it."""
    item = StagingItem("file", staging.resolve(vault.user, path), content.id, content.size, _now(vault))
    seen = staging.shown(vault.user, item.path)
    if item.path in {ROOT, vault.user.folder}:
        raise InvalidData(f"The path [{seen}] is a folder; a file needs a name.")
    async with vault.database.transaction() as connection:
        await _make_way(connection, vault, [item.path])
        if not await rows.add_file(connection, item, vault.user.id):
            if not overwrite:
                raise ItemNameExists(f"An item [{seen}] exists already; [overwrite] is not true.")
            if not await rows.replace_file(connection, item, vault.user.id):
                raise InvalidData(f"The path [{seen}] is a folder: a file cannot overwrite it.")
    return _shown(vault, item)


async def check_can_create(vault: Vault, path: str, *, overwrite: bool = False) -> None:
    """Refuse early what ``create_file`` would refuse, before a large upload has been read."""
    target = staging.resolve(vault.user, path)
    async with vault.database.reading() as connection:
        item = await rows.retrieve(connection, target)
    if item is not None and not overwrite:
        raise ItemNameExists(f"An item [{staging.shown(vault.user, target)}] exists already; [overwrite] is not true.")


async def open_file(vault: Vault, path: str) -> StagingItem:
    """A file, with its content and size. An admin may leave out the own ``u{id}`` before an export's folder."""
    target = staging.resolve(vault.user, path)
    async with vault.database.reading() as connection:
        item = await rows.retrieve(connection, vault.user.folder + target) if _is_in_export(target) else None
        item = item or await _existing(connection, vault.user, target)
    if item.kind != "file":
        raise InvalidData(f"The item [{staging.shown(vault.user, target)}] is a folder: it has no content.")
    return _shown(vault, item)


async def find_files(vault: Vault, paths: Sequence[str]) -> dict[str, StagingItem | VaultError]:
    """The files at these paths, by what the user wrote; where there is none, or none to see, the error instead."""
    resolved: dict[str, str] = {}
    found: dict[str, StagingItem | VaultError] = {}
    for written in paths:
        try:
            resolved[written] = staging.resolve(vault.user, written)
        except VaultError as error:
            found[written] = error
    async with vault.database.reading() as connection:
        files = await rows.files(connection, set(resolved.values()))
    for written, path in resolved.items():
        found[written] = files.get(path) or InvalidData(f"There is no file [{written[:200]}] on file staging.")
    return found


async def add_extracts(vault: Vault, extracts: Sequence[Extract], *, expires_date: datetime) -> None:
    """Put the files of an export on file staging; repeated, it changes nothing. Of one path twice the last counts."""
    by_path = {extract.path: extract for extract in extracts}
    if not by_path:
        return
    async with vault.database.transaction() as connection:
        await _make_way(connection, vault, list(by_path))
        made = await rows.add_extracts(
            connection, list(by_path.values()), now=_now(vault), expires=expires_date, user_id=vault.user.id
        )
        blocked = next((path for path in by_path if path not in made), None)
        if blocked is not None:
            seen = staging.shown(vault.user, blocked)
            raise InvalidData(f"The path [{seen}] is a folder: no file can be put there.")


async def _make_way(connection: Connection, vault: Vault, paths: Sequence[str]) -> None:
    """Make the folders above these paths."""
    folders = staging.all_folders_above(paths)
    made = await rows.add_folders(connection, folders, _now(vault), vault.user.id)
    blocked = await rows.occupied(connection, folders - made)
    if blocked:
        raise InvalidData(f"The item [{staging.shown(vault.user, blocked[0])}] is a file: nothing can lie below it.")


def _is_in_export(path: str) -> bool:
    """Whether a path begins with a job id: exports lie in the own folder, which its results do not name."""
    first = path.split("/")[1]
    return first.isascii() and first.isdigit()


async def _existing(connection: Connection, user: User, path: str) -> StagingItem:
    # The root and each user's own folder are there before anything lies in them.
    if path in {ROOT, user.folder}:
        return StagingItem("folder", path)
    item = await rows.retrieve(connection, path)
    if item is None:
        raise InvalidData(f"There is no item [{staging.shown(user, path)}] on file staging.")
    return item


def _shown(vault: Vault, item: StagingItem) -> StagingItem:
    return replace(item, path=staging.shown(vault.user, item.path))


def _now(vault: Vault) -> datetime:
    return whole_second(vault.clock.now())


def _write_cursor(cursor: _Cursor) -> str:
    data = msgspec.json.encode(cursor)
    return urlsafe_b64encode(hashlib.sha256(data).digest()[:6] + data).decode().rstrip("=")


def _read_cursor(written: str, user: User, now: datetime) -> _Cursor:
    try:
        raw = urlsafe_b64decode(written + "=" * (-len(written) % 4))
        intact = hmac.compare_digest(hashlib.sha256(raw[6:]).digest()[:6], raw[:6])
        cursor = msgspec.json.decode(raw[6:], type=_Cursor)
    except (ValueError, Base64Error, msgspec.MsgspecError) as error:
        raise InvalidData(f"[cursor] was not made by this server: [{written[:100]}].") from error
    if not intact:
        raise InvalidData(f"[cursor] was not made by this server: [{written[:100]}].")
    if now.timestamp() > cursor.until:
        raise InvalidData("[cursor] has expired: it is valid for 30 minutes.")
    # A cursor is no permission: the paths in it are checked like any other.
    after = cursor.after and staging.normalised(cursor.after)
    return msgspec.structs.replace(cursor, folder=staging.resolve(user, cursor.folder), after=after)
