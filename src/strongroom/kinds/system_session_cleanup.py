"""Clean up expired sessions: every hour, in every Vault."""

from dataclasses import dataclass

from strongroom.domain import schedule
from strongroom.domain.job_definition import NewDefinition
from strongroom.sdk import JobKind, ProcessContext
from strongroom.services import sessions
from strongroom.vault import Vault


@dataclass(frozen=True)
class SessionCleanupInput:
    """It is told nothing."""


class SessionCleanup(JobKind[SessionCleanupInput]):
    """Deletes sessions that nobody can use any more, and the login failures that lock nobody out."""

    name = "session_cleanup__v"
    title = "Clean up expired sessions"
    input = SessionCleanupInput

    def own_definition(self, vault: Vault) -> NewDefinition:  # noqa: ARG002 - the same in every Vault
        """Every hour."""
        hourly = schedule.read({"schedule": "hourly", "hourly_interval": 1, "time": "00:07"})
        return NewDefinition(self.name, self.title, self.name, hourly, {})

    async def process(self, ctx: ProcessContext[SessionCleanupInput]) -> None:
        """Delete them."""
        await ctx.log(f"Expired sessions deleted: {await sessions.remove_expired(ctx.vault)}")
