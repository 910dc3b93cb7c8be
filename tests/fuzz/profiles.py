"""How long the suites run: short and always the same with the whole test suite, long and ever different by ``make fuzz``."""

import os

from hypothesis import HealthCheck, settings

LONG = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Examples of a test in a long run; 0 in the short one."""


def fuzzed(examples: int, *, share: int = 1, steps: int = 20) -> settings:
    """Run a test with so many examples in the short run, and with one of ``share`` of the usual in the long one.

    ``steps`` are those of a state machine. Nothing is remembered from run to run: a seed replays what was found.
    """
    return settings(
        max_examples=max(LONG // share, 1) if LONG else examples,
        stateful_step_count=steps * 2 if LONG else steps,
        derandomize=not LONG,
        database=None,
        deadline=None,
        # One Vault serves all examples of a test, which must hold whatever was done to it before.
        suppress_health_check=[*HealthCheck],
    )
