"""The messages of the engine: which job, or which task of it, to look at."""

from collections.abc import Iterable

import msgspec

from strongroom.store import queue
from strongroom.store.database import Connection

RUN = "run"
TASK = "task"
COMPLETE = "complete"

# What starts and ends jobs comes before the tasks of long ones: no job starves another.
_PRIORITIES = {RUN: 10, COMPLETE: 10, TASK: 0}


class JobMessage(msgspec.Struct, frozen=True):
    """Look at this job, or at this task of it."""

    job_id: int
    task: int = 0


async def enqueue_run(connection: Connection, job_ids: Iterable[int]) -> None:
    """Have jobs begun: their items made, or the whole of them done."""
    await queue.enqueue(connection, [_message(RUN, JobMessage(job_id)) for job_id in job_ids])


async def enqueue_tasks(connection: Connection, tasks: Iterable[tuple[int, int]]) -> None:
    """Have tasks worked on, each given by job id and number."""
    await queue.enqueue(connection, [_message(TASK, JobMessage(job_id, number)) for job_id, number in tasks])


async def enqueue_complete(connection: Connection, job_ids: Iterable[int]) -> None:
    """Have jobs closed."""
    await queue.enqueue(connection, [_message(COMPLETE, JobMessage(job_id)) for job_id in job_ids])


def read(payload: bytes) -> JobMessage:
    """Read a message as it was written."""
    return msgspec.json.decode(payload, type=JobMessage)


def _message(entrypoint: str, message: JobMessage) -> queue.Message:
    key = f"{entrypoint}:{message.job_id}:{message.task}"
    return queue.Message(entrypoint, msgspec.json.encode(message), key, _PRIORITIES[entrypoint])
