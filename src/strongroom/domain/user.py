"""A user of the Vault."""

from dataclasses import dataclass
from datetime import datetime

ADMIN_PROFILES = frozenset({"vault_owner__v", "system_admin__v"})
SYSTEM_USER_ID = 1


@dataclass(frozen=True)
class User:
    """A Vault user; field names follow the API without ``user_`` and ``__v``."""

    id: int
    name: str
    first_name: str
    last_name: str
    email: str
    timezone: str = "UTC"
    locale: str = "en_US"
    language: str = "en"
    security_profile: str = "document_user__v"
    license_type: str = "full__v"
    active: bool = True
    created_date: datetime | None = None
    created_by: int = SYSTEM_USER_ID
    modified_date: datetime | None = None
    modified_by: int = SYSTEM_USER_ID
    last_login: datetime | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the user is an admin in the sense of file staging, exports and jobs: sees and may do all."""
        return self.security_profile in ADMIN_PROFILES or self.id == SYSTEM_USER_ID

    @property
    def folder(self) -> str:
        """The user's folder on file staging, as a path from the staging root."""
        return f"/u{self.id}"


SYSTEM = User(
    id=SYSTEM_USER_ID,
    name="System",
    first_name="System",
    last_name="User",
    email="system@localhost",
    security_profile="system_admin__v",
)
