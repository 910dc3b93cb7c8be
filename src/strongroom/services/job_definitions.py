"""Job definitions: created, updated, retrieved, listed, deleted. An active one always has exactly one SCHEDULED job.

An edit applies to new jobs: the one that is SCHEDULED is cancelled, and a new one takes its place in the same
transaction, with the new version of the definition. Source: section 10 of the facts about jobs.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from strongroom.domain.dates import whole_second
from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job import Job, JobStatus
from strongroom.domain.job_definition import JobDefinition, NewDefinition
from strongroom.domain.page import Page, Window
from strongroom.domain.schedule import Schedule
from strongroom.sdk.custom_values import check_parameters
from strongroom.services import job_ends, job_metadata, scheduled_jobs, startable, users
from strongroom.store import job_definitions as rows
from strongroom.store import scheduled_jobs as scheduled_rows
from strongroom.store.database import Connection
from strongroom.vault import Vault


@dataclass(frozen=True)
class Changes:
    """What an update changes; None leaves a value as it is."""

    title: str | None = None
    schedule: Schedule | None = None
    parameters: dict[str, Any] | None = None
    timezone: str | None = None
    active: bool | None = None
    owner: int | None = None


@dataclass(frozen=True)
class Planned:
    """A definition, and its SCHEDULED job if it is active."""

    definition: JobDefinition
    job: Job | None


async def create(vault: Vault, new: NewDefinition, *, system: bool = False, known: bool = True) -> JobDefinition:
    """Make a definition, and its first SCHEDULED job if it is active. Only admins may.

    ``known`` false: workers may still have to tell of its kind.
    """
    _require_admin(vault)
    new.check()
    owner = vault.user.id if new.owner is None else new.owner
    now = whole_second(vault.clock.now())
    values = {each.name: getattr(new, each.name) for each in fields(new)}
    values |= {"schedule": new.schedule.to_data(), "owner": owner, "system": system}
    values |= {"created_by": vault.user.id, "created_date": now, "modified_by": vault.user.id, "modified_date": now}
    async with vault.database.transaction() as connection:
        await _check(vault.bound(connection), new, owner, known=known)
        made = await rows.add(connection, values)
        if made is None:
            raise InvalidData(f"There is a job definition [{new.name}] already.")
        if made.active:
            await _plan_anew(vault, connection, made)
    return made


async def update(vault: Vault, definition_id: int, changes: Changes) -> JobDefinition:
    """Change a definition. What changes nothing makes no new version. Only admins may."""
    _require_admin(vault)
    async with vault.database.transaction() as connection:
        old = await _held(connection, definition_id)
        given = {each.name: value for each in fields(changes) if (value := getattr(changes, each.name)) is not None}
        wanted = replace(old, **given)
        if wanted == old:
            return old
        _as_new(wanted).check()
        await _check(vault.bound(connection), wanted, wanted.owner, known=wanted.active)
        now = whole_second(vault.clock.now())
        values = given | {"schedule": wanted.schedule.to_data(), "modified_by": vault.user.id, "modified_date": now}
        changed = await rows.change(connection, definition_id, values)
        await _replace_scheduled(vault, connection, old, changed)
    return changed


async def delete(vault: Vault, definition_id: int) -> None:
    """Delete a definition; its SCHEDULED job is cancelled, all others stay. Only admins may."""
    _require_admin(vault)
    async with vault.database.transaction() as connection:
        definition = await _held(connection, definition_id)
        if definition.system:
            raise OperationNotAllowed(
                f"The job definition [{definition.name}] is the Vault's own and cannot be deleted: make it inactive."
            )
        await _cancel_scheduled(vault, connection, definition)
        await rows.remove(connection, definition_id)


async def retrieve(vault: Vault, definition_id: int) -> Planned:
    """One definition. Only admins may see it."""
    _require_admin(vault)
    async with vault.database.reading() as connection:
        definition = await rows.retrieve(connection, definition_id)
        if definition is None:
            raise _unknown(definition_id)
        scheduled = await scheduled_rows.scheduled_of(connection, [definition_id])
    return Planned(definition, scheduled.get(definition_id))


async def find(vault: Vault, name: str) -> JobDefinition | None:
    """A definition by its name, or None."""
    _require_admin(vault)
    async with vault.database.reading() as connection:
        return await rows.by_name(connection, name)


async def list_definitions(vault: Vault, window: Window) -> Page[Planned]:
    """Definitions in the order of their names. Only admins may see them."""
    _require_admin(vault)
    async with vault.database.reading() as connection:
        found, total = await rows.page(connection, window)
        scheduled = await scheduled_rows.scheduled_of(connection, [each.id for each in found])
    return Page([Planned(each, scheduled.get(each.id)) for each in found], total, window)


async def _replace_scheduled(vault: Vault, connection: Connection, old: JobDefinition, changed: JobDefinition) -> None:
    ended = await _cancel_scheduled(vault, connection, changed)
    if not changed.active:
        return
    if ended is not None and (old.schedule, old.timezone) == (changed.schedule, changed.timezone):
        # The same times as before: an interval that was used up stays so.
        assert ended.schedule_date is not None
        await scheduled_jobs.plan(vault, connection, [(changed, ended.schedule_date)])
    else:
        await _plan_anew(vault, connection, changed)


async def _cancel_scheduled(vault: Vault, connection: Connection, definition: JobDefinition) -> Job | None:
    scheduled = (await scheduled_rows.scheduled_of(connection, [definition.id])).get(definition.id)
    if scheduled is None:
        return None
    now = vault.clock.now()
    ended = await scheduled_rows.end(connection, [scheduled.id], JobStatus.CANCELLED, vault.user.id, whole_second(now))
    await job_ends.sign_off(connection, ended, now)
    return scheduled


async def _plan_anew(vault: Vault, connection: Connection, definition: JobDefinition) -> None:
    date = scheduled_jobs.next_date(vault, definition, vault.clock.now())
    await scheduled_jobs.plan(vault, connection, [(definition, date)])


async def _check(vault: Vault, wanted: NewDefinition | JobDefinition, owner: int, *, known: bool) -> None:
    """Refuse too many parameters; and, if these are to be ``known``, a kind or an owner that nothing can run of."""
    kind = wanted.kind
    check_parameters(kind, wanted.parameters)
    if not known:
        return
    registered = await job_metadata.find(vault, kind)
    problem = startable.traits_or_problem(kind, registered)
    if isinstance(problem, str):
        raise InvalidData(f"Invalid value [{kind}] specified for parameter [kind]: {problem}")
    if registered is not None and not (registered.admin_configurable or registered.source == job_metadata.BUILT_IN):
        raise InvalidData(
            f"Invalid value [{kind}] specified for parameter [kind]: its code does not say admin_configurable."
        )
    user = await users.retrieve(vault, owner)
    if not user.active:
        raise InvalidData(f"Invalid value [{owner}] specified for parameter [owner]: the user is inactive.")


async def _held(connection: Connection, definition_id: int) -> JobDefinition:
    found = await rows.hold(connection, definition_id)
    if found is None:
        raise _unknown(definition_id)
    return found


def _as_new(definition: JobDefinition) -> NewDefinition:
    return NewDefinition(**{each.name: getattr(definition, each.name) for each in fields(NewDefinition)})


def _require_admin(vault: Vault) -> None:
    if not vault.user.is_admin:
        raise InsufficientAccess(
            f"User [{vault.user.id}] may not see or change job definitions: it needs the permission Admin: Jobs."
        )


def _unknown(definition_id: int) -> InvalidData:
    return InvalidData(f"There is no job definition [{definition_id}].")
