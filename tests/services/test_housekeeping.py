from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from strongroom.domain.errors import AuthenticationFailed, InvalidSessionId
from strongroom.services import housekeeping, sessions
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ADMIN, PASSWORD = "admin@localhost", "a password for tests"


async def test_expired_sessions_and_old_deliveries_are_deleted(vault: Vault, database_url: str) -> None:
    old = await sessions.authenticate(vault, ADMIN, PASSWORD)
    later = replace(vault, clock=Clock(timedelta(minutes=30)))
    young = await sessions.authenticate(later, ADMIN, PASSWORD)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
            " VALUES (now() - interval '1 hour', 1, 'successful', 0, 'old'), (now(), 2, 'successful', 0, 'young')"
        )
        await housekeeping.tidy(later)
        assert await sessions.remove_expired(later) == 1
        left = await connection.fetch("SELECT entrypoint FROM pgqueuer_log")
        assert [row["entrypoint"] for row in left] == ["young"]
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 1
    finally:
        await connection.close()
    with pytest.raises(InvalidSessionId):
        await sessions.resolve(vault, old.token)
    assert (await sessions.resolve(later, young.token)).name == ADMIN


async def test_the_messages_of_a_dead_worker_are_given_back(vault: Vault, database_url: str) -> None:
    worker = "00000000-0000-4000-8000-00000000000a"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO pgqueuer (priority, queue_manager_id, status, entrypoint, payload)"
            " VALUES (0, $1::uuid, 'picked', 'task', ''), (0, gen_random_uuid(), 'picked', 'task', '')",
            worker,
        )
        assert await housekeeping.requeue_of(vault, worker) == 1
        assert await connection.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'queued'") == 1
    finally:
        await connection.close()


async def test_what_limits_have_counted_is_forgotten_when_it_is_over(vault: Vault, database_url: str) -> None:
    with pytest.raises(AuthenticationFailed):
        await sessions.authenticate(vault, "old", "wrong")
    later = replace(vault, clock=Clock(timedelta(minutes=9)))
    with pytest.raises(AuthenticationFailed):
        await sessions.authenticate(later, "young", "wrong")
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO call_counts (subject, ends, calls) VALUES"
            " ('old', now() - interval '1 second', 7), ('young', now() + interval '5 minutes', 7);"
            "INSERT INTO job_polls (job_id, opened) VALUES (1, now() - interval '2 minutes'), (2, now())"
        )
        at_last = replace(vault, clock=Clock(timedelta(minutes=11)))
        await housekeeping.tidy(at_last)
        await sessions.remove_expired(at_last)
        assert await connection.fetchval("SELECT array_agg(user_name) FROM login_failures") == ["young"]
        assert await connection.fetchval("SELECT array_agg(subject) FROM call_counts") == [b"young"]
        assert await connection.fetchval("SELECT array_agg(job_id) FROM job_polls") == [2]
    finally:
        await connection.close()
