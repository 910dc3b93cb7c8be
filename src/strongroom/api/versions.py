"""The versions of the API, oldest first, and the map in which clients look for theirs."""

VERSIONS: tuple[str, ...] = (
    *(f"v{major}.0" for major in range(7, 17)),
    *(f"v{year}.{release}" for year in range(17, 26) for release in (1, 2, 3)),
    "v26.1",
)
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]
POSITIONS: dict[str, int] = {version: position for position, version in enumerate(VERSIONS)}
"""Where a version stands in the order: ``v9.0`` is older than ``v25.3``, though not as text."""


def version_map(origin: str) -> dict[str, str]:
    """Give every version's base URL on the host that the client typed: clients compare it letter by letter."""
    return {version: f"{origin}/api/{version}" for version in VERSIONS}


def is_at_least(version: str, wanted: str) -> bool:
    """Tell whether ``version`` is ``wanted`` or newer."""
    return POSITIONS[version] >= POSITIONS[wanted]
