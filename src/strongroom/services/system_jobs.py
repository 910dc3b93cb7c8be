"""The jobs that every Vault has by itself: their metadata and their definitions."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from strongroom.domain.custom_job import RegisteredJob
from strongroom.domain.job_definition import NewDefinition
from strongroom.domain.user import SYSTEM_USER_ID
from strongroom.sdk.job import JobKind
from strongroom.services import job_definitions, job_metadata
from strongroom.services.job_definitions import Changes
from strongroom.vault import Vault


async def prepare(vault: Vault, kinds: Mapping[str, JobKind[Any]]) -> None:
    """Write metadata and definitions of the kinds that every Vault has a definition of, as the system user.

    Definitions are brought up to date, also with the settings; those that an admin has changed stay as they are.
    """
    own = {name: new for name, kind in kinds.items() if (new := kind.own_definition(vault)) is not None}
    await job_metadata.register(vault, [_registered(vault, kinds[name]) for name in own], {}, whole=False)
    for new in own.values():
        there = await job_definitions.find(vault, new.name)
        if there is None:
            await job_definitions.create(vault, new, system=True)
        elif there.modified_by == SYSTEM_USER_ID:
            await job_definitions.update(vault, there.id, _as_changes(new))


def _as_changes(new: NewDefinition) -> Changes:
    values = {each.name: getattr(new, each.name) for each in fields(Changes)}
    return Changes(**{**values, "parameters": dict(new.parameters)})


def _registered(vault: Vault, kind: JobKind[Any]) -> RegisteredJob:
    return RegisteredJob(
        name=kind.name,
        label=kind.title,
        job_code=f"{type(kind).__module__}.{type(kind).__name__}",
        chunk_size=kind.chunk_size or 1,
        idempotent=True,
        admin_cancellable=True,
        source=job_metadata.BUILT_IN,
        sha256="",
        registered=vault.clock.now(),
    )
