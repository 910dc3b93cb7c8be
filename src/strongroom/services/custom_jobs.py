"""Custom jobs are started: by an admin, or by another job. Their code is known to workers alone."""

from collections.abc import Mapping
from typing import Any

from strongroom.domain.custom_job import is_custom
from strongroom.domain.errors import InsufficientAccess, InvalidData
from strongroom.domain.job import Job
from strongroom.sdk.custom_values import check_parameters
from strongroom.services import job_metadata, jobs
from strongroom.vault import Vault


async def start(vault: Vault, name: str, parameters: Mapping[str, Any], method: str = "POST") -> Job:
    """Start a job for an admin who asks for it."""
    if not vault.user.is_admin:
        raise InsufficientAccess(f"User [{vault.user.id}] may not start job [{name}]: only admins may.")
    return await _begin(vault, name, parameters, method)


async def run(vault: Vault, name: str, parameters: Mapping[str, Any]) -> Job:
    """Start a job for another job, in the name of that one's owner."""
    return await _begin(vault, name, parameters, None)


async def _begin(vault: Vault, name: str, parameters: Mapping[str, Any], method: str | None) -> Job:
    if not is_custom(name):
        raise InvalidData(f"[{name}] is not the name of a custom job: those end in __c.")
    found = await job_metadata.retrieve_usable(vault, name)
    check_parameters(name, parameters)
    return await jobs.begin(vault, job_metadata.traits_of(found), dict(parameters), method)
