"""The process that runs before the server answers: schema, seed file and admin, then it ends."""

import sys
from collections.abc import Awaitable, Callable

import uvloop

from strongroom.config import Settings
from strongroom.server import admin_password, lifeline
from strongroom.server.lifeline import Orders

Preparing = Callable[[Settings, bool], Awaitable[str | None]]
"""Prepares the database (of this server alone?) and returns the admin's password, if it was thought up just now."""


def run(prepare: Preparing, report_to: int) -> int:
    """Prepare the database of the supervisor's orders; the exit code."""
    return lifeline.obey(report_to, "prepare", lambda orders, _ready: uvloop.run(_prepare(prepare, orders)))


async def _prepare(prepare: Preparing, orders: Orders) -> None:
    settings = orders.settings
    with lifeline.held(settings, 0, lambda: None):
        password = await prepare(settings, orders.alone)
    if password:
        kept = settings.data_dir / admin_password.NAME
        sys.stderr.write(f"The first admin is {settings.admin_user} with the password {password} (kept in {kept}).\n")
