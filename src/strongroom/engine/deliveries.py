"""The deliveries of webhooks: claimed, sent, and what came of it written. Any number of workers may do this at once."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field

import httpcore
import structlog

from strongroom.domain.webhook import Claimed, DeliveryState, Outcome, parse, signature
from strongroom.engine.lookout import Lookout
from strongroom.engine.target_connections import TargetConnections, trust
from strongroom.services import webhook_deliveries
from strongroom.services.webhook_targets import LookUp, look_up
from strongroom.vault import Vault

AT_ONCE, TO_ONE_TARGET = 20, 4
"""How many deliveries one worker sends at a time: in all, and to one host and port."""

ANSWER_SECONDS = 10.0
"""How long a target may take for its whole answer, from the look at its name on."""

_ANSWER_BYTES = 64 * 1024

_log = structlog.get_logger(__name__)


async def run(
    vault: Vault, lookout: Lookout, look: LookUp | None = None, answer_seconds: float = ANSWER_SECONDS
) -> None:
    """Deliver until the lookout is over; what is being sent then has the grace time of the settings.

    ``look`` finds the addresses of hosts; by default the system does.
    """
    backend = TargetConnections(vault.settings, look or look_up())
    # No proxy, no redirect, no connection that is kept: a target is looked up and checked for each delivery.
    async with httpcore.AsyncConnectionPool(
        ssl_context=trust(), max_keepalive_connections=0, network_backend=backend
    ) as pool:
        sender = _Sender(vault, pool, answer_seconds)
        while not lookout.over:
            await sender.begin()
            await sender.wait(lookout)
        await sender.finish(vault.settings.drain_seconds)


@dataclass(frozen=True)
class _Sender:
    """What one worker is sending."""

    vault: Vault
    pool: httpcore.AsyncConnectionPool
    answer_seconds: float
    under_way: dict[asyncio.Task[None], Claimed] = field(default_factory=dict)

    async def begin(self) -> None:
        """Claim what is due and begin to send it."""
        free = AT_ONCE - len(self.under_way)
        sending = Counter(claimed.target for claimed in self.under_way.values())
        try:
            found = await webhook_deliveries.claim(self.vault, sending, TO_ONE_TARGET, free) if free else []
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next round tries again
            _log.exception("webhook_claim_failed")
            return
        for claimed in found:
            self.under_way[asyncio.create_task(self._deliver(claimed))] = claimed

    async def wait(self, lookout: Lookout) -> None:
        """Wait until there may be something to begin: one has ended, or one waits; or for the end of the lookout."""
        looking = asyncio.create_task(_until_untold(lookout))
        try:
            await asyncio.wait({looking, *self.under_way}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            looking.cancel()
        for task in [task for task in self.under_way if task.done()]:
            del self.under_way[task]

    async def finish(self, seconds: float) -> None:
        """Let what is being sent end; what takes longer is given back."""
        if not self.under_way:
            return
        _, late = await asyncio.wait(self.under_way, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in late:
            with contextlib.suppress(Exception):  # it is due again when the lease is over
                await webhook_deliveries.give_back(self.vault, self.under_way[task])

    async def _deliver(self, claimed: Claimed) -> None:
        outcome = await self._send(claimed)
        try:
            state = await webhook_deliveries.close(self.vault, claimed, outcome)
        except Exception:  # noqa: BLE001 - it is sent once more when the lease is over: at least once is what is promised
            _log.exception("webhook_outcome_lost", delivery=claimed.id)
            return
        if state is not DeliveryState.DELIVERED:
            _log.info("webhook_failed", delivery=claimed.id, attempt=claimed.attempt, error=outcome.error, state=state)

    async def _send(self, claimed: Claimed) -> Outcome:
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await _post(self.pool, claimed)
        except (TimeoutError, httpcore.TimeoutException):
            return Outcome(error=f"there was no whole answer within {self.answer_seconds:g} seconds")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return Outcome(error=str(error)[:300] or "the connection was lost")
        except Exception as error:  # noqa: BLE001 - whatever a target does, the delivery waits for its next try
            _log.exception("webhook_broke", delivery=claimed.id)
            return Outcome(error=f"it could not be sent: {type(error).__name__}")


async def _until_untold(lookout: Lookout) -> None:
    while (outlook := await lookout.next()) is not None and not outlook.untold:
        pass


async def _post(pool: httpcore.AsyncConnectionPool, claimed: Claimed) -> Outcome:
    target, body, now = parse(claimed.url), claimed.body(), int(time.time())
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    headers = {
        "Host": target.host_header,
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "Strongroom",
        "X-Strongroom-Event": "job.status",
        "X-Strongroom-Delivery": str(claimed.id),
        "X-Strongroom-Signature": signature(claimed.secret, now, body),
    }
    async with pool.stream("POST", url, headers=list(headers.items()), content=body) as response:
        await _read_some(response)
        return _outcome(response.status)


async def _read_some(response: httpcore.Response) -> None:
    """Read an answer to its end, so that its sender is not cut off, but no more than a little of it."""
    size = 0
    async for piece in response.aiter_stream():
        size += len(piece)
        if size >= _ANSWER_BYTES:
            return


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status)
    redirect = ": redirects are not followed" if 300 <= status < 400 else ""
    return Outcome(status, f"the answer was HTTP {status}{redirect}")
