"""Remove unused file content: the bytes that nothing refers to any more go, in every Vault."""

from dataclasses import dataclass

from strongroom.domain import schedule
from strongroom.domain.job_definition import NewDefinition
from strongroom.sdk import JobKind, ProcessContext
from strongroom.services import housekeeping
from strongroom.vault import Vault


@dataclass(frozen=True)
class ContentSweepInput:
    """It is told nothing."""


class ContentSweep(JobKind[ContentSweepInput]):
    """Goes one step further with what has been unused for a day, and once a day looks for bytes that no row names."""

    name = "content_sweep__v"
    title = "Remove unused file content"
    input = ContentSweepInput

    def own_definition(self, vault: Vault) -> NewDefinition:  # noqa: ARG002 - the same in every Vault
        """Every hour."""
        hourly = schedule.read({"schedule": "hourly", "hourly_interval": 1, "time": "00:37"})
        return NewDefinition(self.name, self.title, self.name, hourly, {})

    async def process(self, ctx: ProcessContext[ContentSweepInput]) -> None:
        """Sweep and search."""
        removed = await housekeeping.sweep_blobs(ctx.vault)
        found = await housekeeping.search_blobs(ctx.vault)
        await ctx.log(f"Blobs whose bytes were deleted: {removed}; found without a row: {found}")
