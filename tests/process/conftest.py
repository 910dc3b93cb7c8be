"""The fixtures of the server's tests serve here, too."""

from tests.server.conftest import place, start, start_prepared

__all__ = ["place", "start", "start_prepared"]
