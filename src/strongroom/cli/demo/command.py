"""The command ``strongroom demo``."""

# What speaks HTTP and draws tables is loaded when the command runs, not when its options are read.
# ruff: noqa: PLC0415

import typer

from strongroom.cli.parts import Parts


def add(app: typer.Typer, _parts: Parts) -> None:
    """Add the command."""

    @app.command("demo")
    def demo() -> int:
        """Run every kind of job against a fresh sample Vault, over HTTPS, and compare what comes back.

        Beside them, one job comes to each of the statuses that there are; it takes a minute or two.
        The Vault is thrown away at the end. The exit code is 0 only if everything is as it should be.
        """
        from strongroom.cli.demo import course, kinds, statuses
        from strongroom.cli.job_views import standard_output

        return course.run(kinds.plans(), standard_output(), statuses.stage)
