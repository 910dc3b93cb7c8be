"""What the first child of a server does before anything else: schema, seed file and admin."""

import sys
from collections.abc import Awaitable, Callable

import uvloop

from strongroom.config import Settings
from strongroom.server import admin_password
from strongroom.server.lifeline import Orders

Preparing = Callable[[Settings, bool], Awaitable[str | None]]
"""Prepares the database (of this server alone?) and returns the admin's password, if it was thought up just now."""


def run(prepare: Preparing, orders: Orders) -> None:
    """Prepare the database of the supervisor's orders. A signal ends the process: what is half done is rolled back."""
    uvloop.run(_prepare(prepare, orders))


async def _prepare(prepare: Preparing, orders: Orders) -> None:
    settings = orders.preparing
    assert settings is not None
    password = await prepare(settings, orders.alone)
    if password:
        kept = settings.data_dir / admin_password.NAME
        sys.stderr.write(f"The first admin is {settings.admin_user} with the password {password} (kept in {kept}).\n")
