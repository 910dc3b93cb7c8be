"""What a custom job says about itself, what it may be, and what workers have told of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from strongroom.domain.errors import InvalidData

ITEMS_MAX = 500
"""Items of one task, at most; so is the chunk size."""
TASK_BYTES_MAX = 128 * 1024
"""Bytes of the items of one task, and of its output, as JSON."""
TASKS_MAX = 5000
"""Tasks of one job."""
PARAMETERS_BYTES_MAX = 8 * 1024
"""Bytes of the parameters of one job, as JSON."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,96}__c")
_LABEL_MAX, _DESCRIPTION_MAX = 60, 1500
_MINUTES_MAX = 60 * 24 * 366
_STATES = ("scheduled", "queued", "running")


@dataclass(frozen=True, kw_only=True)
class JobMetadata:
    """What the Vault component ``Jobmetadata`` says of a custom job.

    ``chunk_size``: items of one task. ``queue``: made if it is missing; None is the system's own.
    ``single_instance_states``: no further job begins while one of this name is in such a state. ``timeout_duration``:
    minutes; None is 23 hours, and 72 for a scheduled job. Raises ``InvalidData``, which names the value and the rule.
    """

    name: str
    label: str
    chunk_size: int
    description: str | None = None
    queue: str | None = None
    single_instance_states: Iterable[str] = field(default=())
    timeout_duration: int | None = None

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        _check_length("label", self.label, _LABEL_MAX)
        if not self.label.strip():
            raise InvalidData("The label of a custom job must not be empty.")
        if self.description is not None:
            _check_length("description", self.description, _DESCRIPTION_MAX)
        _check_number("chunk_size", self.chunk_size, ITEMS_MAX)
        if self.timeout_duration is not None:
            _check_number("timeout_duration", self.timeout_duration, _MINUTES_MAX)
        if self.queue is not None:
            _check_name("queue", self.queue)
        object.__setattr__(self, "single_instance_states", _states(self.single_instance_states))


@dataclass(frozen=True, kw_only=True)
class RegisteredJob:
    """A row of the job metadata: what a worker has told of a job that it can run, or why it cannot.

    ``source``: the file, or the entry point, that it came from; ``sha256`` is that of the file's bytes.
    """

    name: str
    label: str
    job_code: str
    source: str
    sha256: str
    registered: datetime
    description: str | None = None
    active: bool = True
    chunk_size: int = 1
    queue: str | None = None
    single_instance_states: tuple[str, ...] = ()
    timeout_duration: int | None = None
    admin_configurable: bool = False
    idempotent: bool = False
    is_visible: bool = True
    admin_cancellable: bool = False
    error: str | None = None


def is_custom(kind: str) -> bool:
    """Whether jobs of this kind run code that users write."""
    return kind.endswith("__c")


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidData(
            f"The {what} [{name}] of a custom job must be like checksum_audit__c: lower-case letters, digits and "
            "underscores, 99 at most, ending in __c."
        )


def _check_length(what: str, text: object, most: int) -> None:
    if not isinstance(text, str) or "\0" in text:
        raise InvalidData(f"The {what} of a custom job must be text, without NUL: [{text}].")
    if len(text) > most:
        raise InvalidData(
            f"The {what} of a custom job has {len(text)} characters; {most} are the most: [{text[:60]}...]."
        )


def _check_number(what: str, value: object, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidData(f"The {what} of a custom job must be a whole number from 1 to {most}: [{value}].")


def _states(given: Iterable[str]) -> tuple[str, ...]:
    states = (given,) if isinstance(given, str) else tuple(given)
    for state in states:
        if state not in _STATES:
            raise InvalidData(f"[{state}] is none of the single_instance_states {', '.join(_STATES)}.")
    return states
