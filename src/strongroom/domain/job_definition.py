"""A job definition: which kind of job runs when, with which parameters and in whose name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from strongroom.domain.errors import InvalidData, ParameterRequired
from strongroom.domain.schedule import Schedule

SCHEDULE_KEYS = tuple(field.name for field in fields(Schedule))
"""The keys of a definition that say when it is due."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}__[cv]")
_TITLE_MAX = 1500


@dataclass(frozen=True)
class NewDefinition:
    """What a definition is made of. ``timezone`` None: that of the Vault; ``owner`` None: who makes it."""

    name: str
    title: str
    kind: str
    schedule: Schedule
    parameters: Mapping[str, Any]
    timezone: str | None = None
    active: bool = True
    owner: int | None = None

    def check(self) -> None:
        """Refuse what is wrong by itself: name, title, time zone."""
        if not _NAME.fullmatch(self.name):
            raise InvalidData(
                f"[{self.name}] is not a name: lower-case letters, digits and _, beginning with a letter, ending __c."
            )
        if not self.title.strip():
            raise ParameterRequired.of("title")
        if len(self.title) > _TITLE_MAX:
            raise InvalidData(f"[title] has {len(self.title)} characters; {_TITLE_MAX} are the most.")
        if self.timezone is not None and not _is_zone(self.timezone):
            raise InvalidData(f"[timezone] is not a known time zone: [{self.timezone}].")


@dataclass(frozen=True)
class JobDefinition:
    """One definition as it is kept. ``version`` counts its changes from 1; ``system``: one that every Vault has."""

    id: int
    name: str
    title: str
    kind: str
    parameters: dict[str, Any]
    schedule: Schedule
    timezone: str | None
    active: bool
    system: bool
    owner: int
    version: int
    created_by: int
    created_date: datetime
    modified_by: int
    modified_date: datetime

    def zone(self, of_vault: str) -> ZoneInfo:
        """The time zone of its schedule; ``of_vault`` is that of the Vault."""
        return ZoneInfo(self.timezone or of_vault)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True
