"""Prune the job history: ended jobs are deleted after the days that the settings say, or an admin; by default never."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from strongroom.domain import schedule
from strongroom.domain.job_definition import NewDefinition
from strongroom.sdk import JobKind, ProcessContext
from strongroom.services import job_history
from strongroom.vault import Vault


@dataclass(frozen=True)
class HistoryPruningInput:
    """After how many days a job that has ended is deleted."""

    days: Annotated[float, Meta(gt=0, le=36500)]


class HistoryPruning(JobKind[HistoryPruningInput]):
    """Deletes ended jobs with their tasks and logs. What they have put on file staging stays."""

    name = "history_pruning__v"
    title = "Prune the job history"
    input = HistoryPruningInput

    def own_definition(self, vault: Vault) -> NewDefinition:
        """Every night if the settings say how long the history is kept; else it is there and inactive."""
        daily = schedule.read({"schedule": "daily", "time": "00:52"})
        days = vault.settings.history_days
        parameters = {} if days is None else {"days": days}
        return NewDefinition(self.name, self.title, self.name, daily, parameters, active=days is not None)

    async def process(self, ctx: ProcessContext[HistoryPruningInput]) -> None:
        """Delete what has ended before that."""
        before = ctx.vault.clock.now() - timedelta(days=ctx.input.days)
        await ctx.log(f"Jobs deleted: {await job_history.prune(ctx.vault, before)}")
