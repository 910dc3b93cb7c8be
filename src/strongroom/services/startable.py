"""Whether a definition's job can be started now: its kind is known and can be used, and its owner is still there."""

from collections.abc import Collection, Sequence

from strongroom.domain.custom_job import RegisteredJob
from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.domain.job import JobTraits
from strongroom.domain.job_definition import JobDefinition
from strongroom.services import job_metadata
from strongroom.store import job_metadata as metadata_rows
from strongroom.store import users
from strongroom.vault import Vault


async def look(vault: Vault, definitions: Sequence[JobDefinition]) -> dict[int, JobTraits | str]:
    """What the jobs of these definitions are like now, by the definition's id; or why they cannot run."""
    kinds = {each.kind for each in definitions}
    owners = sorted({each.owner for each in definitions})
    async with vault.database.reading() as connection:
        registered = {each.name: each for each in await metadata_rows.retrieve_many(connection, kinds)}
        found = await users.retrieve(connection, owners)
    active = {owner for owner, user in zip(owners, found, strict=True) if user is not None and user.active}
    return {each.id: _traits(each, registered.get(each.kind), has_owner=each.owner in active) for each in definitions}


async def traits_for(vault: Vault, definition: JobDefinition) -> JobTraits:
    """What the job of one definition is like; refuses if it cannot run."""
    found = (await look(vault, [definition]))[definition.id]
    if isinstance(found, str):
        raise OperationNotAllowed(found)
    return found


async def known_traits(vault: Vault, kinds: Collection[str]) -> dict[str, JobTraits]:
    """What jobs of these kinds are like; a kind that is not known is left out."""
    async with vault.database.reading() as connection:
        registered = await metadata_rows.retrieve_many(connection, kinds)
    return {each.name: job_metadata.traits_of(each) for each in registered}


def traits_or_problem(kind: str, registered: RegisteredJob | None) -> JobTraits | str:
    """What jobs of this kind are like, or why none can run."""
    try:
        return job_metadata.traits_of(job_metadata.usable(kind, registered))
    except (InvalidData, OperationNotAllowed) as error:
        return error.message


def _traits(definition: JobDefinition, registered: RegisteredJob | None, *, has_owner: bool) -> JobTraits | str:
    if not has_owner:
        return f"The owner of the definition [{definition.name}], user [{definition.owner}], is gone or inactive."
    return traits_or_problem(definition.kind, registered)
