"""The one thing that every service takes: a Vault, as one user sees it."""

from dataclasses import dataclass, field, replace

from strongroom.config import Settings
from strongroom.domain.user import User
from strongroom.domain.webhook import NewWebhook
from strongroom.store.blobs import Blobs
from strongroom.store.clock import Clock
from strongroom.store.database import Connection, Database
from strongroom.store.ended_jobs import EndedJobs
from strongroom.store.names import Names


@dataclass(frozen=True)
class VaultInfo:
    """What the Vault is called: its id (int32), its name and its time zone (IANA); and where its blobs lie."""

    id: int
    name: str
    timezone: str = "UTC"
    blob_folder: str = ""


@dataclass(frozen=True)
class Vault:
    """Where everything is kept, the time that it is, and the user who acts.

    ``webhook``: who is told of the jobs that the user starts now.
    """

    database: Database
    blobs: Blobs
    clock: Clock
    user: User
    settings: Settings
    info: VaultInfo
    ended_jobs: EndedJobs = field(default_factory=EndedJobs)
    names: Names = field(default_factory=Names)
    webhook: NewWebhook | None = None

    def as_user(self, user: User) -> "Vault":
        """The same Vault, seen by another user."""
        return replace(self, user=user)

    def bound(self, connection: Connection) -> "Vault":
        """The same Vault, whose services join the transaction that is open on ``connection``."""
        return replace(self, database=self.database.bound(connection))
