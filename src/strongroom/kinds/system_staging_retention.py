"""File Staging Retention: extracted files leave file staging after 72 hours, in every Vault."""

from dataclasses import dataclass

from strongroom.domain import schedule
from strongroom.domain.job_definition import NewDefinition
from strongroom.sdk import JobKind, ProcessContext
from strongroom.services import housekeeping
from strongroom.vault import Vault


@dataclass(frozen=True)
class StagingRetentionInput:
    """It is told nothing: each file knows its own date."""


class StagingRetention(JobKind[StagingRetentionInput]):
    """Deletes what exports have put on file staging, and the folders that are empty then; not what users have put."""

    name = "staging_retention__v"
    title = "File Staging Retention"
    input = StagingRetentionInput

    def own_definition(self, vault: Vault) -> NewDefinition:  # noqa: ARG002 - the same in every Vault
        """Every hour."""
        hourly = schedule.read({"schedule": "hourly", "hourly_interval": 1, "time": "00:22"})
        return NewDefinition(self.name, self.title, self.name, hourly, {})

    async def process(self, ctx: ProcessContext[StagingRetentionInput]) -> None:
        """Delete them."""
        await ctx.log(f"Extracted files deleted: {await housekeeping.remove_expired_extracts(ctx.vault)}")
