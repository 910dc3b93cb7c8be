"""Queues of custom jobs: where those of one queue wait together, and can be held back together."""

import re
from dataclasses import dataclass

from strongroom.domain.errors import InvalidData

NAME_MAX = 100
"""Characters of a queue's name, at most."""

_NAME = re.compile(r"[a-z][a-z0-9_]*__c")


@dataclass(frozen=True)
class JobQueue:
    """A queue. ``delivery``: whether its jobs are begun. ``messages``: how many of them wait, which are QUEUED."""

    name: str
    delivery: bool
    messages: int


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a queue."""
    if len(name) > NAME_MAX or _NAME.fullmatch(name) is None:
        raise InvalidData(
            f"Invalid value [{name[:100]}] specified for parameter [name]: use at most {NAME_MAX} lower-case letters, "
            "digits and underscores, a letter first and __c at the end, as in nightly_jobs__c."
        )
