"""Deliveries on their way: claimed for a time by who sends them, and what came of it. By the database's clock.

A claim is a lease: it pushes ``due`` ahead, so that what was claimed by a process that has died is due again by itself.
Each claim counts ``attempts`` up, and an outcome is written for the newest alone: one that comes too late changes
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from strongroom.domain.webhook import Claimed, DeliveryState, Outcome
from strongroom.store.database import Connection, driver

# The targets are found one after the other by the index, and a few deliveries of each: a target that has thousands
# waiting costs the others nothing. Of one webhook and job only the oldest waiting delivery may go; the others are due
# with it, or a claim would look at each of them again and again.
_CLAIM = """
    WITH RECURSIVE targets AS (
        (SELECT target FROM webhook_deliveries WHERE state = 'WAITING' ORDER BY target LIMIT 1)
        UNION ALL
        SELECT (
            SELECT next.target FROM webhook_deliveries next
            WHERE next.state = 'WAITING' AND next.target > targets.target ORDER BY next.target LIMIT 1
        ) FROM targets WHERE targets.target IS NOT NULL
    ), busy AS (
        SELECT * FROM unnest($1::text[], $2::integer[]) AS busy (target, sending)
    ), chosen AS (
        SELECT found.id FROM targets LEFT JOIN busy USING (target) CROSS JOIN LATERAL (
            SELECT waiting.id FROM webhook_deliveries waiting
            WHERE waiting.target = targets.target AND waiting.state = 'WAITING' AND waiting.due <= now()
                AND waiting.id = (
                    SELECT oldest.id FROM webhook_deliveries oldest
                    WHERE oldest.job_id = waiting.job_id AND oldest.webhook = waiting.webhook
                        AND oldest.state = 'WAITING'
                    ORDER BY oldest.id LIMIT 1
                )
            ORDER BY waiting.due, waiting.id
            LIMIT greatest($3 - coalesce(busy.sending, 0), 0)
            FOR UPDATE SKIP LOCKED
        ) found
        ORDER BY random() LIMIT $4
    ), claimed AS (
        UPDATE webhook_deliveries SET attempts = attempts + 1, due = now() + make_interval(secs => $5)
        WHERE id IN (SELECT id FROM chosen)
        RETURNING *
    )
    SELECT claimed.id, claimed.attempts AS attempt, webhooks.url, webhooks.secret, claimed.target, claimed.job_id,
        claimed.status, jobs.title, jobs.kind, claimed.occurred
    FROM claimed JOIN webhooks ON webhooks.id = claimed.webhook JOIN jobs ON jobs.id = claimed.job_id
    ORDER BY claimed.id
"""
_CLOSE = """
    UPDATE webhook_deliveries SET answered = $3, error = $4,
        state = CASE
            WHEN $4::text IS NULL THEN 'DELIVERED'
            WHEN occurred <= now() - $6::interval THEN 'GIVEN_UP'
            ELSE 'WAITING'
        END,
        due = CASE WHEN $4::text IS NULL OR occurred <= now() - $6::interval THEN due ELSE now() + $5::interval END,
        ended = CASE WHEN $4::text IS NULL OR occurred <= now() - $6::interval THEN now() END
    WHERE id = $1 AND attempts = $2 AND state = 'WAITING'
    RETURNING state
"""
# Who comes after one that has ended may go at once; who comes after one that waits, waits as long. It is a statement of
# its own, since the one above may have waited for a move, and would not see what that has added.
_FOLLOW = """
    UPDATE webhook_deliveries AS later SET due = CASE WHEN tried.state = 'WAITING' THEN tried.due ELSE now() END
    FROM webhook_deliveries AS tried
    WHERE tried.id = $1 AND later.job_id = tried.job_id AND later.webhook = tried.webhook AND later.id > tried.id
        AND later.state = 'WAITING' AND (tried.state = 'WAITING' OR later.due > now())
"""
_GIVE_BACK = text(
    "UPDATE webhook_deliveries SET due = now() WHERE id = :id AND attempts = :attempt AND state = 'WAITING'"
)
_PRUNE = text("DELETE FROM webhook_deliveries WHERE ended < now() - CAST(:age AS interval)")


@dataclass(frozen=True)
class Free:
    """What a sender has room for: ``most`` deliveries, and ``each`` to one target with those ``sending`` to it."""

    sending: Mapping[str, int]
    each: int
    most: int
    lease: float  # seconds


async def claim(connection: Connection, asked: Sequence[Free]) -> list[list[Claimed]]:
    """Take deliveries that are due, for the lease; each statement is a transaction by itself."""
    return [await _claim(connection, each) for each in asked]


async def close(
    connection: Connection, claimed: Claimed, outcome: Outcome, delay: timedelta, patience: timedelta
) -> DeliveryState | None:
    """Write what came of a try. One that failed waits for ``delay``, or is given up if the change is too long ago.

    Gives the state of the delivery now, and None if somebody else has claimed or ended it meanwhile.
    """
    raw = await driver(connection)
    state = await raw.fetchval(_CLOSE, claimed.id, claimed.attempt, outcome.answered, outcome.error, delay, patience)
    if state is None:
        return None
    await raw.execute(_FOLLOW, claimed.id)
    return DeliveryState(state)


async def give_back(connection: Connection, claimed: Claimed) -> None:
    """Have a claimed delivery be due at once: it was not sent to the end."""
    await connection.execute(_GIVE_BACK, {"id": claimed.id, "attempt": claimed.attempt})


async def prune(connection: Connection, age: timedelta) -> None:
    """Delete deliveries that ended so long ago."""
    await connection.execute(_PRUNE, {"age": age})


async def _claim(connection: Connection, free: Free) -> list[Claimed]:
    rows = await (await driver(connection)).fetch(
        _CLAIM, list(free.sending), list(free.sending.values()), free.each, free.most, free.lease
    )
    return [Claimed(**row) for row in rows]
