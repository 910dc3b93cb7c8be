"""Connections to the targets of webhooks: the very address that was checked is the one that is connected to."""

import os
import ssl
from collections.abc import Iterable

import certifi
import httpcore
import structlog

from strongroom.config import Settings
from strongroom.services.webhook_targets import LookUp, TargetRefusedError, allowed_addresses

_log = structlog.get_logger(__name__)


class TargetConnections(httpcore.AsyncNetworkBackend):
    """Looks a host up, checks all its addresses and connects to the first of them that answers.

    There is no second look at the name, whose answer could be another one. TLS still asks for the name.
    """

    def __init__(self, settings: Settings, look: LookUp) -> None:
        self._settings = settings
        self._look = look
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, or raise ``httpcore.ConnectError``."""
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._addresses(host, port):
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def _addresses(self, host: str, port: int) -> Iterable[str]:
        try:
            return await allowed_addresses(self._settings, self._look, host, port)
        except TargetRefusedError as error:
            raise httpcore.ConnectError(str(error)) from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the host {host} is not known") from error


def trust() -> ssl.SSLContext:
    """Make what certificates of targets are verified with: the usual authorities, and those of ``SSL_CERT_FILE``."""
    context = ssl.create_default_context(cafile=certifi.where())
    own = os.environ.get("SSL_CERT_FILE")
    if own:
        try:
            context.load_verify_locations(own)
        except (OSError, ssl.SSLError) as error:
            # It may have been set for somebody else: no reason to run no jobs.
            _log.warning("ssl_cert_file_unusable", file=own, error=str(error))
    return context
