"""The events of a job: its status, its progress and its log, as they come."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

import msgspec
import structlog
from starlette.responses import Response

from strongroom.api import event_stream
from strongroom.api.binding import Id
from strongroom.api.call import Call
from strongroom.api.declaration import endpoint
from strongroom.api.event_stream import EventStream
from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData, VaultError
from strongroom.domain.job import LogLine, TaskState
from strongroom.services import job_watches, jobs
from strongroom.services.job_watches import Beat, EndEvent, LogEvent, ProgressEvent, StatusEvent

_LINE_MAX = 2**63 - 1
_NUMBER = re.compile(r"[0-9]{1,19}")
_log = structlog.get_logger(__name__)

After = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=_LINE_MAX,
        description="Leaves out the log up to this line: the `id` of the last event that was received. The header"
        " `Last-Event-ID`, which a client sends by itself when it connects anew, says the same and stands above it.",
    ),
]


@dataclass(frozen=True)
class Followed:
    """The job that is followed; ``after`` leaves out the lines of its log up to this one."""

    job_id: Id
    after: After = 0


@endpoint("GET", "/services/jobs/{job_id}/events", media=event_stream.MEDIA, extension=True)
async def retrieve_job_events(call: Call, asked: Followed) -> Response:
    """Retrieve Job Events: a Strongroom extension, server-sent events until the job has ended."""
    job = await jobs.retrieve(call.vault, asked.job_id)
    return EventStream(_events(call, job.id, _last_event(call) or asked.after))


def _last_event(call: Call) -> int:
    told = call.headers.get("last-event-id", "").strip()
    if not told:
        return 0
    if not _NUMBER.fullmatch(told) or int(told) > _LINE_MAX:
        raise InvalidData(f"The header Last-Event-ID [{told[:100]}] is not the id of an event of this server.")
    return int(told)


async def _events(call: Call, job_id: int, place: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(job_watches.follow(call.vault, job_id, place)) as course:
        async for event in course:
            if isinstance(event, Beat):
                if not await _may_go_on(call, job_id):
                    return
                yield event_stream.KEEP_ALIVE
                continue
            if isinstance(event, LogEvent):
                place = event.lines[-1].id
            yield _written(event, job_id, place)


async def _may_go_on(call: Call, job_id: int) -> bool:
    """Whether the session still lives, by which it is used, and its user may still see the job."""
    try:
        known = await call.shared.sessions.find(call.token)
        await jobs.retrieve(known.vault, job_id)
    except VaultError as error:
        _log.info("an event stream was closed", job_id=job_id, reason=error.message)
        return False
    except Exception as error:  # noqa: BLE001 - the database is away: who was right a moment ago is asked again later
        _log.warning("a session could not be looked up", job_id=job_id, reason=repr(error))
    return True


def _written(event: StatusEvent | ProgressEvent | LogEvent | EndEvent, job_id: int, place: int) -> bytes:
    match event:
        case StatusEvent(status):
            return event_stream.written("status", place, {"id": job_id, "status": status})
        case ProgressEvent(total, counts):
            states = {state.lower(): counts.get(state, 0) for state in TaskState}
            return event_stream.written("progress", place, {"id": job_id, "tasks": {"total": total, **states}})
        case LogEvent(lines):
            return event_stream.written("log", place, {"id": job_id, "lines": [_line(line) for line in lines]})
        case EndEvent(status):
            return event_stream.written("end", place, {"id": job_id, "status": status})


def _line(line: LogLine) -> dict[str, object]:
    about = {} if line.task is None else {"task": f"Task{line.task}"}
    return {"id": line.id, "time": written(line.time), "text": line.text, **about}
