"""Jobs of definitions: the next one is made, begun when its time has come or at once, missed, or cancelled.

Every transaction that ends the SCHEDULED job of an active definition makes the next one. It holds the definition
meanwhile, so any number of processes may do this at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from strongroom.domain.dates import whole_second, written
from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job import SCHEDULED_LIMIT, Job, JobStatus, JobTraits
from strongroom.domain.job_definition import JobDefinition
from strongroom.domain.schedule import next_after
from strongroom.services import job_ends, job_messages, startable, webhook_targets
from strongroom.store import job_definitions, job_tasks, single_instances, webhooks
from strongroom.store import jobs as job_rows
from strongroom.store import scheduled_jobs as rows
from strongroom.store.database import Connection
from strongroom.store.job_tasks import LogEntry
from strongroom.store.scheduled_jobs import Beginning, Due, Place
from strongroom.vault import Vault

_AT_ONCE = 100  # jobs in one transaction


async def make_missing(vault: Vault) -> int:
    """Make the next job of each active definition that has none; returns how many were made.

    A job that was planned for later and does not wait any more (it was cancelled) has used up its interval.
    """
    made, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        now = vault.clock.now()
        async with vault.database.transaction() as connection:
            lacking = await job_definitions.hold_lacking(connection, _AT_ONCE)
            planned = await rows.last_planned(connection, [each.id for each in lacking])
            dates = [next_date(vault, each, max(planned.get(each.id, now), now)) for each in lacking]
            await plan(vault, connection, list(zip(lacking, dates, strict=True)))
        last = len(lacking)
        made += last
    return made


async def begin_due(vault: Vault) -> int:
    """Begin the jobs whose time has come, and end those that cannot run; returns how many that were, in all."""
    moved, place, last = 0, Place(), _AT_ONCE
    grace = timedelta(minutes=vault.settings.schedule_grace_minutes)
    while last == _AT_ONCE:
        now = vault.clock.now()
        async with vault.database.transaction() as connection:
            due = await rows.hold_due(connection, now, now - grace, place, _AT_ONCE)
            if due:
                moved += await _move_on(vault, connection, due, now - grace)
                place = Place(due[-1].planned, due[-1].job.id)
        last = len(due)
    return moved


async def start_now(vault: Vault, job_id: int) -> Job:
    """Begin a SCHEDULED job before its time, which uses up its interval. Only admins may.

    Source: section 7 of the facts about jobs.
    """
    if not vault.user.is_admin:
        raise InsufficientAccess(f"User [{vault.user.id}] may not start jobs: it needs the permission Admin: Jobs.")
    if vault.webhook is not None:
        await webhook_targets.check(vault.settings, vault.webhook, vault.names.addresses)
    now = vault.clock.now()
    async with vault.database.transaction() as connection:
        due = await _held(connection, job_id)
        traits = await startable.traits_for(vault.bound(connection), due.definition)
        await _require_free(connection, due, traits)
        await _begin(vault, connection, [(due, traits)], now)
        if vault.webhook is not None:
            await webhooks.add(connection, vault.webhook, job_id, vault.user.id, now)
        (job,) = await job_rows.retrieve_many(connection, [job_id])
    assert job is not None
    return job


async def cancel(vault: Vault, job: Job) -> Job | None:
    """Cancel a SCHEDULED job, which uses up its interval; None if it is not SCHEDULED any more."""
    assert job.definition is not None
    now = whole_second(vault.clock.now())
    async with vault.database.transaction() as connection:
        definition = await job_definitions.hold(connection, job.definition)
        ended = await rows.end(connection, [job.id], JobStatus.CANCELLED, vault.user.id, now)
        if not ended:
            return None
        await job_ends.sign_off(connection, ended, vault.clock.now())
        if definition is not None and definition.active:
            planned = job.schedule_date or now
            await plan(vault, connection, [(definition, next_date(vault, definition, max(planned, now)))])
    return ended[0]


def next_date(vault: Vault, definition: JobDefinition, after: datetime) -> datetime:
    """When a definition is due next, after that moment."""
    return next_after(definition.schedule, definition.zone(vault.info.timezone), after)


async def plan(vault: Vault, connection: Connection, wanted: Sequence[tuple[JobDefinition, datetime]]) -> None:
    """Make SCHEDULED jobs for definitions that are held, with their planned dates."""
    if not wanted:
        return
    now = whole_second(vault.clock.now())
    known = await startable.known_traits(vault.bound(connection), {definition.kind for definition, _ in wanted})
    new = [
        job_rows.NewJob(
            replace(known.get(each.kind, JobTraits(each.kind, each.title)), title=each.title),
            JobStatus.SCHEDULED,
            each.parameters,
            each.owner,
            now,
            deadline=None,
            planned=date,
            definition=each.id,
            definition_version=each.version,
        )
        for each, date in wanted
    ]
    await job_rows.add(connection, new)


@dataclass(frozen=True)
class _Refused:
    """A job that does not run: what becomes of it, and why, for its log."""

    due: Due
    status: JobStatus
    reason: str


async def _move_on(vault: Vault, connection: Connection, due: Sequence[Due], late: datetime) -> int:
    """Begin or end jobs whose time has come, or leave them waiting; returns how many moved."""
    now = vault.clock.now()
    begun, refused = list[tuple[Due, JobTraits]](), list[_Refused]()
    fit = await startable.look(vault.bound(connection), [each.definition for each in due])
    # In the order of their kinds, so that two processes never wait for each other in a circle.
    for each in sorted(due, key=lambda each: each.job.kind):
        found = fit[each.definition.id]
        if each.planned < late:
            refused.append(_Refused(each, JobStatus.MISSED_SCHEDULE, _late(vault, each)))
        elif isinstance(found, str):
            refused.append(_Refused(each, JobStatus.FAILED_TO_RUN, found))
        elif await _in_the_way(connection, each.job, found, begun) is None:
            begun.append((each, found))
    await _begin(vault, connection, begun, now)
    await _end(vault, connection, refused, now)
    return len(begun) + len(refused)


async def _begin(vault: Vault, connection: Connection, begun: Sequence[tuple[Due, JobTraits]], now: datetime) -> None:
    """Begin jobs that are held with their definitions, and make the next ones."""
    if not begun:
        return
    date = whole_second(now)
    beginnings = [Beginning(due.job.id, traits, date + (traits.limit or SCHEDULED_LIMIT)) for due, traits in begun]
    await rows.begin(connection, beginnings, vault.user.id, date)
    await job_messages.enqueue_run(connection, [due.job.id for due, _ in begun])
    await _plan_next(vault, connection, [due for due, _ in begun], now)


async def _end(vault: Vault, connection: Connection, refused: Sequence[_Refused], now: datetime) -> None:
    for status in (JobStatus.MISSED_SCHEDULE, JobStatus.FAILED_TO_RUN):
        ids = [each.due.job.id for each in refused if each.status is status]
        if ids:
            reasons = [LogEntry(each.due.job.id, now, each.reason) for each in refused if each.status is status]
            await job_tasks.add_log(connection, reasons)
            ended = await rows.end(connection, ids, status, vault.user.id, whole_second(now))
            await job_ends.sign_off(connection, ended, now)
    await _plan_next(vault, connection, [each.due for each in refused], now)


async def _plan_next(vault: Vault, connection: Connection, due: Sequence[Due], now: datetime) -> None:
    active = [each for each in due if each.definition.active]
    dates = [next_date(vault, each.definition, max(each.planned, now)) for each in active]
    await plan(vault, connection, [(each.definition, date) for each, date in zip(active, dates, strict=True)])


async def _in_the_way(
    connection: Connection, job: Job, traits: JobTraits, begun: Sequence[tuple[Due, JobTraits]] = ()
) -> Job | None:
    """Find another job of the kind that keeps this one waiting, if only one may go on at a time.

    Jobs that wait for their time as this one does are not in its way: none of them would ever begin.
    """
    states = traits.single_instance_states - {JobStatus.SCHEDULED}
    if not states:
        return None
    for other, _ in begun:
        if other.job.kind == job.kind and JobStatus.QUEUED in states:
            return other.job
    return await single_instances.other(connection, replace(traits, single_instance_states=states), job.id)


async def _held(connection: Connection, job_id: int) -> Due:
    """Hold a SCHEDULED job with its definition, or refuse."""
    (job,) = await job_rows.retrieve_many(connection, [job_id])
    if job is None:
        raise InvalidData(f"There is no job [{job_id}].")
    definition = None if job.definition is None else await job_definitions.hold(connection, job.definition)
    (job,) = await job_rows.retrieve_many(connection, [job_id])
    if job is None or job.status is not JobStatus.SCHEDULED or definition is None:
        status = "gone" if job is None else job.status
        raise OperationNotAllowed(f"Job [{job_id}] cannot be started now: its status is {status}, not SCHEDULED.")
    return Due(job, definition)


async def _require_free(connection: Connection, due: Due, traits: JobTraits) -> None:
    other = await rows.active_run_of(connection, due.definition.id)
    other = other or await _in_the_way(connection, due.job, traits)
    if other is not None:
        raise OperationNotAllowed(f"Job [{due.job.id}] cannot be started now: job [{other.id}] is {other.status}.")


def _late(vault: Vault, due: Due) -> str:
    grace = vault.settings.schedule_grace_minutes
    return (
        f"It was planned for {written(due.planned)} and could not be started within {grace:g} minutes: no worker was "
        "there, or an earlier run or another job of its kind was still going on."
    )
