"""Names of hosts, looked up by a few threads: a name server that is silent holds each of them for long."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

AT_ONCE = 50


def ask_system(host: str, port: int) -> list[str]:
    """Give the addresses of a host, each once; raises ``OSError`` if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Names:
    """Looks names up for a whole process. ``ask`` blocks, for as long as it takes."""

    ask: Callable[[str, int], list[str]] = ask_system
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "names"), repr=False)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Find the addresses of a host; raises ``OSError`` if there are none. Who gives up leaves the thread to end."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.ask, host, port)
