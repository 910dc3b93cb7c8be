"""The events of a job as a command receives them: the stream is opened again where it broke off."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from strongroom.cli.client import Api
from strongroom.config import CannotRun

_PATIENCE = 30.0  # seconds that a server may be away
_PAUSE = 0.5  # seconds between two attempts to reach it


@dataclass(frozen=True)
class Event:
    """One event: its name, its id, which says how far the log has been told, and its data."""

    name: str
    id: str
    data: dict[str, Any]


def follow(api: Api, job_id: int) -> Iterator[Event]:
    """Give the events of a job until it has ended.

    Raises ``CannotRun`` if the server refuses it, or is away for more than 30 seconds.
    """
    last, lost_at = "", 0.0
    while True:
        try:
            for event in read(api.lines(f"/services/jobs/{job_id}/events", Last_Event_ID=last)):
                last, lost_at = event.id, 0.0
                yield event
                if event.name == "end":
                    return
            reason = "it has closed the connection"
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
        lost_at = lost_at or time.monotonic()
        if time.monotonic() - lost_at > _PATIENCE:
            raise CannotRun(f"The server {api.server.url} was lost and did not come back: {reason}.")
        time.sleep(_PAUSE)


def read(lines: Iterable[str]) -> Iterator[Event]:
    """Read the events of a stream; comments are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.removeprefix(" ")
        elif not line:
            if "data" in fields:
                yield Event(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
