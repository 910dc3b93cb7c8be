"""The limit on open files of a process, and how many connections it allows."""

import resource

OTHERS = 200
"""Open files beside connections: those of the database, blobs, listening sockets, libraries."""


def allow_connections(wished: int) -> int:
    """Raise the limit to what so many connections need, as far as it may be raised; gives how many there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wished
    needed = wished + OTHERS
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(min(wished, soft - OTHERS), 1)
