"""Job metadata: which jobs there is code for, as workers have told it; nobody else needs the code itself."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from strongroom.domain.custom_job import RegisteredJob
from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.domain.job import JobStatus, JobTraits
from strongroom.store import job_metadata as rows
from strongroom.vault import Vault

BUILT_IN = "built in"
"""The source of a job whose code comes with Strongroom."""


async def register(vault: Vault, found: Sequence[RegisteredJob], broken: Mapping[str, str], *, whole: bool) -> None:
    """Write what a worker has found, in the place of what was known of those jobs.

    ``broken``: the error of each source that cannot be loaded, so that jobs which it once had are refused with it.
    ``whole``: the worker has a jobs folder, so that a custom job which it has not found is no longer there.
    """
    names, queues = [each.name for each in found], {each.queue for each in found if each.queue and not each.error}
    async with vault.database.transaction() as connection:
        await rows.hold(connection)
        await rows.add_queues(connection, queues, vault.clock.now())
        await rows.put(connection, found)
        for source, error in broken.items():
            await rows.mark_broken(connection, source, error, besides=names)
        if whole:
            await rows.deactivate(connection, besides=names, broken=list(broken))


async def find(vault: Vault, name: str) -> RegisteredJob | None:
    """The job of this name, fit for use or not; None if no worker has ever told of one."""
    async with vault.database.reading() as connection:
        found = await rows.retrieve_many(connection, [name])
    return found[0] if found else None


async def list_all(vault: Vault) -> list[RegisteredJob]:
    """Every job that workers have told of, by name."""
    async with vault.database.reading() as connection:
        return await rows.everything(connection)


async def retrieve_usable(vault: Vault, name: str) -> RegisteredJob:
    """The job of this name, if it can be started; else the error that says why not."""
    return usable(name, await find(vault, name))


def usable(name: str, found: RegisteredJob | None) -> RegisteredJob:
    """Give what is known of the job of a name, if it can be started; else raise the error that says why not."""
    if found is None:
        raise InvalidData(f"There is no job metadata [{name}]: no worker has loaded a job of this name.")
    if problem := problem_of(found):
        raise OperationNotAllowed(f"Job [{name}] cannot be started: {problem}")
    return found


def problem_of(found: RegisteredJob) -> str | None:
    """Why a job cannot be started, as a sentence; None if it can."""
    if found.error is not None:
        return f"its code cannot be used: {found.error}"
    if not found.active:
        return f"it is not active, since its code ({found.source}) is no longer in the jobs folder."
    return None


def traits_of(found: RegisteredJob) -> JobTraits:
    """What the rows of jobs of this name are told."""
    minutes = found.timeout_duration
    return JobTraits(
        kind=found.name,
        title=found.label,
        sdk=found.source != BUILT_IN,
        queue=found.queue,
        cancellable=found.admin_cancellable,
        idempotent=found.idempotent,
        visible=found.is_visible,
        limit=None if minutes is None else timedelta(minutes=minutes),
        single_instance_states=frozenset(JobStatus(state.upper()) for state in found.single_instance_states),
        code_sha256=None if found.source == BUILT_IN else found.sha256,
    )
