"""What the command line is given by the composition, because it may not know the server itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from strongroom.config import Settings


@dataclass(frozen=True)
class Parts:
    """The commands of the server's own side. Each may raise ``CannotRun``; exit codes are returned."""

    serve: Callable[[Settings, Callable[[str], None]], int]
    """Runs a server until it is stopped; it calls the function with the line that says that it is ready."""
    worker: Callable[[Settings, Callable[[str], None]], int]
    """Runs one more worker, without a server."""
    certificate_authority: Callable[[Path], Path]
    """Gives the path of the CA's certificate in a data directory; both are made when missing."""
    export_trust: Callable[[Path, Path], tuple[Path, Path]]
    """Writes the CA into a folder, as PEM and as PKCS12 trust store; gives both paths."""
