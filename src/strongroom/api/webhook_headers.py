"""The headers by which a call that starts a job says who is told of that job's statuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strongroom.domain.errors import ParameterRequired
from strongroom.domain.webhook import NewWebhook, new_secret

URL, SECRET = "x-strongroom-webhook", "x-strongroom-webhook-secret"


@dataclass(frozen=True)
class Asked:
    """A webhook that a call asks for, and the headers of the reply to it: the secret, if it was thought up."""

    webhook: NewWebhook
    reply: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)


def read(headers: Mapping[str, str]) -> Asked | None:
    """Read the headers of a call; what they hold is checked when a job is started."""
    url, secret = headers.get(URL, "").strip(), headers.get(SECRET, "").strip()
    if not url:
        if secret:
            raise ParameterRequired(f"The header {SECRET} is there without the header {URL}.")
        return None
    if secret:
        return Asked(NewWebhook(url, secret))
    secret = new_secret()
    return Asked(NewWebhook(url, secret), ((SECRET.encode(), secret.encode()),))
