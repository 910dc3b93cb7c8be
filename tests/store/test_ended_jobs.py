"""Jobs that have ended are kept in memory for a while, and then read anew: the history may have been pruned."""

import time
from datetime import UTC, datetime

import pytest

from strongroom.domain.job import Job, JobStatus
from strongroom.store.ended_jobs import EndedJobs

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def job(number: int, status: JobStatus) -> Job:
    return Job(number, "counting", "Counting", status, "POST", 1, NOW, 1, NOW)


def test_what_has_ended_is_found_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    known, begun = EndedJobs(), time.monotonic()
    for number, status in ((1, JobStatus.SUCCESS), (2, JobStatus.RUNNING)):
        known.keep(job(number, status))
    assert known.find(1) == job(1, JobStatus.SUCCESS)
    assert known.find(2) is None
    monkeypatch.setattr(time, "monotonic", lambda: begun + 61)
    assert known.find(1) is None
    known.keep(job(1, JobStatus.SUCCESS))
    assert known.find(1) is not None


def test_the_first_that_was_read_makes_room() -> None:
    known = EndedJobs()
    for number in range(5000):
        known.keep(job(number, JobStatus.SUCCESS))
    assert len(known.rows) == 4096
    assert known.find(0) is None
    assert known.find(4999) is not None
