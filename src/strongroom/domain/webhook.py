"""Webhooks: who is told of a job's statuses, what is told, and the rules about URLs, addresses, secrets and tries."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import JobStatus

PATIENCE = timedelta(hours=24)
"""For how long after the change of status a delivery is tried again."""

_DELAYS = (1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds after each failed try; the last one goes for all further
_PORTS = {"http": 80, "https": 443}
_LONGEST_URL = 2000
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SECRET = re.compile(r"[\x21-\x7e]{16,255}")
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")
# Where clouds answer their machines from an address that looks like any other, and what not every version of the
# standard library knows to be special.
_SPECIAL = tuple(
    ipaddress.ip_network(each) for each in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
)
# All others are for special uses, and some of them lead to any IPv4 address.
_UNICAST_6 = ipaddress.ip_network("2000::/3")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True)
class Target:
    """Where a webhook leads: a checked URL, in parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """Host and port: what is slow together."""
        return f"{self._bracketed}:{self.port}"

    @property
    def host_header(self) -> str:
        """The same as a request names it: without the port that goes without saying."""
        return self._bracketed if self.port == _PORTS[self.scheme] else self.name

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


@dataclass(frozen=True)
class NewWebhook:
    """A webhook that is asked for; ``statuses`` None means all."""

    url: str
    secret: str = field(repr=False)
    statuses: tuple[JobStatus, ...] | None = None


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is listed: without its secret. ``job_id`` None means all jobs."""

    id: int
    url: str
    job_id: int | None
    statuses: tuple[JobStatus, ...] | None
    active: bool
    created_by: int
    created_date: datetime


@dataclass(frozen=True)
class Delivery:
    """One change of status that a webhook is told of. ``due`` and what follows are by the database's clock."""

    id: int
    job_id: int
    status: JobStatus
    occurred: datetime
    state: DeliveryState
    attempts: int
    due: datetime
    answered: int | None
    error: str | None
    ended: datetime | None


@dataclass(frozen=True)
class Claimed:
    """A delivery that is to be sent now. ``attempt`` counts from 1."""

    id: int
    attempt: int
    url: str
    secret: str = field(repr=False)
    target: str
    job_id: int
    status: str
    title: str
    kind: str
    occurred: datetime

    def body(self) -> bytes:
        """What is sent, as JSON."""
        told = {
            "delivery": self.id,
            "job_id": self.job_id,
            "status": self.status,
            "title": self.title,
            "kind": self.kind,
            "occurred": written(self.occurred),
            "attempt": self.attempt,
        }
        return msgspec.json.encode(told)


@dataclass(frozen=True)
class Outcome:
    """What came of one try: the HTTP status of the answer, if there was one, and what was wrong, if anything was."""

    answered: int | None = None
    error: str | None = None


def parse(url: str) -> Target:
    """Take a webhook's URL apart; raises ``InvalidData`` for one that cannot be used."""
    if not _PRINTABLE.fullmatch(url) or len(url) > _LONGEST_URL:
        raise _refused(url, f"it must have at most {_LONGEST_URL} characters, all ASCII, without blanks")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        if "[" in parts.netloc:
            ipaddress.IPv6Address(host)
    except ValueError as error:
        raise _refused(url, "its host or its port cannot be read") from error
    if parts.scheme not in _PORTS:
        raise _refused(url, "it must begin with https:// or http://")
    if "@" in parts.netloc:
        raise _refused(url, "it must hold no user name and no password")
    if not _HOST.fullmatch(host):
        raise _refused(url, "it has no host that can be used")
    if port == 0:
        raise _refused(url, "there is no port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet: not of this machine or network, not special."""
    found = ipaddress.ip_address(address)
    if any(found in special for special in _SPECIAL):
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return found.is_global and not found.is_multicast and not found.is_reserved
    if found.ipv4_mapped is not None:
        return is_public(str(found.ipv4_mapped))
    return found in _UNICAST_6 and found.is_global and found.sixtofour is None and found.teredo is None


def new_secret() -> str:
    """Think up a secret."""
    return secrets.token_urlsafe(32)


def check_secret(secret: str) -> None:
    """Refuse a secret that is too short or cannot be a header."""
    if not _SECRET.fullmatch(secret):
        raise InvalidData("The secret of a webhook must have 16 to 255 characters, all ASCII, without blanks.")


def signature(secret: str, moment: int, body: bytes) -> str:
    """Make the header ``X-Strongroom-Signature``; ``moment`` is in Unix seconds."""
    signed = hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def delay(attempt: int) -> timedelta:
    """How long to wait after a failed try: up to a fifth more, so that not all who failed together come back so."""
    seconds = _DELAYS[min(attempt, len(_DELAYS)) - 1]
    return timedelta(seconds=seconds * (1 + secrets.randbelow(200) / 1000))


def _refused(url: str, reason: str) -> InvalidData:
    shown = url if len(url) <= 100 else f"{url[:100]}..."
    # A password that stands there is shown to nobody.
    shown = re.sub(r"//[^/?#]*@", "//...@", shown)
    return InvalidData(f"The URL [{shown}] of a webhook cannot be used: {reason}.")
