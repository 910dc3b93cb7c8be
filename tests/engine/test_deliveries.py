"""Deliveries of webhooks, sent to real receivers: signed, in order, again and again, and nowhere else than allowed."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from sqlalchemy import text
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.engine.receiver import PATIENCE, SECRET, Answer, Received, Receiver, receiving
from tests.engine.sending import delivering

from strongroom.config import Settings
from strongroom.domain.page import Window
from strongroom.domain.webhook import Delivery, DeliveryState, NewWebhook, Outcome
from strongroom.engine import deliveries
from strongroom.services import housekeeping, jobs, webhook_deliveries, webhook_targets, webhooks
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

WAITING, DELIVERED, GIVEN_UP = DeliveryState


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, limits="off", webhook_private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if true():
                return
            await asyncio.sleep(0.02)


async def told(vault: Vault, url: str) -> int:
    """Register a webhook for all jobs; its id."""
    return (await webhooks.create(vault, NewWebhook(url, SECRET))).id


async def two_moves(vault: Vault) -> int:
    """A job that is QUEUEING, and then CANCELLED."""
    job = await jobs.start(vault, Counting(), CountingInput())
    await jobs.cancel(vault, job.id)
    return job.id


async def listed(vault: Vault, webhook: int) -> list[Delivery]:
    """The deliveries of a webhook, oldest first."""
    return [*(await webhooks.deliveries(vault, webhook, Window(200))).rows][::-1]


async def all_in(vault: Vault, webhook: int, states: list[DeliveryState]) -> list[Delivery]:
    """Wait until the deliveries of a webhook are in these states."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await listed(vault, webhook)
            if [each.state for each in found] == states:
                return found
            await asyncio.sleep(0.02)


async def failed(vault: Vault, webhook: int, attempts: int) -> Delivery:
    """Wait until so many attempts at the first delivery of a webhook have failed; gives the delivery."""
    async with asyncio.timeout(PATIENCE):
        while True:
            first = (await listed(vault, webhook))[0]
            if first.attempts >= attempts and first.error:
                return first
            await asyncio.sleep(0.02)


async def make_due(vault: Vault) -> None:
    """Let the time pass that waiting deliveries wait for."""
    async with vault.database.transaction() as connection:
        await connection.execute(text("UPDATE webhook_deliveries SET due = now() WHERE state = 'WAITING'"))


async def make_older(vault: Vault, hours: int) -> None:
    async with vault.database.transaction() as connection:
        await connection.execute(
            text(
                "UPDATE webhook_deliveries SET occurred = occurred - make_interval(hours => :h), "
                "ended = ended - make_interval(hours => :h)"
            ),
            {"h": hours},
        )


async def test_a_delivery_says_what_has_happened_and_is_signed(vault: Vault, receiver: Receiver) -> None:
    webhook = await told(vault, receiver.url("/hook?for=me"))
    job_id = await two_moves(vault)
    async with delivering(vault):
        first, second = await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert receiver.steps == [(job_id, "QUEUEING", 1), (job_id, "CANCELLED", 1)]
    request = receiver.received[0]
    assert request.path == "/hook?for=me"
    assert request.told | {"occurred": ""} == {
        "delivery": first.id, "job_id": job_id, "status": "QUEUEING", "title": "Counting", "kind": "counting",
        "occurred": "", "attempt": 1,
    }  # fmt: skip
    assert request.told["occurred"].endswith("Z")
    assert request.headers["X-Strongroom-Delivery"] == str(first.id)
    assert request.headers["X-Strongroom-Event"] == "job.status"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert request.is_signed_with(SECRET)
    assert not request.is_signed_with("another-secret-of-somebody")
    assert (second.answered, second.error, second.attempts) == (200, None, 1)


async def test_the_next_status_waits_until_the_one_before_has_arrived(vault: Vault, receiver: Receiver) -> None:
    """By the waits as they are: 1 second after the first failure and 5 after the second."""
    receiver.answer = lambda request: Answer(500 if len(receiver.received) <= 2 else 204)
    webhook = await told(vault, receiver.url())
    job_id = await two_moves(vault)
    async with delivering(vault):
        delivery = await failed(vault, webhook, 1)
        assert (delivery.state, delivery.answered, delivery.error) == (WAITING, 500, "the answer was HTTP 500")
        first, second = await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert receiver.steps == [
        (job_id, "QUEUEING", 1),
        (job_id, "QUEUEING", 2),
        (job_id, "QUEUEING", 3),
        (job_id, "CANCELLED", 1),
    ]
    assert {request.told["delivery"] for request in receiver.received} == {first.id, second.id}
    assert all(request.is_signed_with(SECRET) for request in receiver.received)


async def test_what_a_killed_worker_had_claimed_is_sent_after_the_lease(vault: Vault, receiver: Receiver) -> None:
    webhook = await told(vault, receiver.url())
    job_id = await two_moves(vault)
    (claimed,) = await webhook_deliveries.claim(vault, {}, 4, 20)
    assert await webhook_deliveries.claim(vault, {}, 4, 20) == [], "neither that one nor the one behind it is free"
    await make_due(vault)
    async with delivering(vault):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert receiver.steps == [(job_id, "QUEUEING", 2), (job_id, "CANCELLED", 1)]
    assert await webhook_deliveries.close(vault, claimed, Outcome(500, "too late")) is None
    assert [each.state for each in await listed(vault, webhook)] == [DELIVERED, DELIVERED]


async def test_a_worker_that_comes_back_changes_nothing_of_what_another_has_claimed(vault: Vault) -> None:
    webhook = await told(vault, "http://127.0.0.1:9/")
    await two_moves(vault)
    (late,) = await webhook_deliveries.claim(vault, {}, 4, 20)
    await make_due(vault)
    (claimed,) = await webhook_deliveries.claim(vault, {}, 4, 20)
    assert (claimed.id, claimed.attempt) == (late.id, 2)
    before = await listed(vault, webhook)
    assert await webhook_deliveries.close(vault, late, Outcome(200)) is None
    assert await webhook_deliveries.close(vault, late, Outcome(500, "too late")) is None
    await webhook_deliveries.give_back(vault, late)
    assert await listed(vault, webhook) == before
    assert await webhook_deliveries.close(vault, claimed, Outcome(200)) is DELIVERED


async def test_several_workers_send_each_delivery_once(vault: Vault, receiver: Receiver) -> None:
    webhook = await told(vault, receiver.url())
    ids = [await two_moves(vault) for _ in range(15)]
    async with delivering(vault), delivering(vault), delivering(vault):
        await all_in(vault, webhook, [DELIVERED] * 30)
    assert sorted(receiver.steps) == sorted((job, status, 1) for job in ids for status in ("QUEUEING", "CANCELLED"))
    for job in ids:
        assert [status for each, status, _ in receiver.steps if each == job] == ["QUEUEING", "CANCELLED"]


async def test_a_slow_target_holds_up_no_other(vault: Vault, receiver: Receiver) -> None:
    released = threading.Event()
    with receiving() as slow:

        def answer_late(_: Received) -> Answer:
            assert released.wait(PATIENCE)
            return Answer()

        slow.answer = answer_late
        for _ in range(6):
            await told(vault, slow.url())
        quick = await told(vault, receiver.url())
        for _ in range(5):
            await two_moves(vault)
        try:
            async with delivering(vault, answer_seconds=PATIENCE):
                await all_in(vault, quick, [DELIVERED] * 10)
                assert len(slow.received) == deliveries.TO_ONE_TARGET
                released.set()
                await until(lambda: len(slow.received) == 60)
        finally:
            released.set()


async def test_what_is_given_up_lets_the_next_one_go(vault: Vault, receiver: Receiver) -> None:
    receiver.answer = lambda request: Answer(503 if request.told["status"] == "QUEUEING" else 200)
    webhook = await told(vault, receiver.url())
    await two_moves(vault)
    async with delivering(vault):
        await failed(vault, webhook, 1)
        await make_older(vault, 24)
        await make_due(vault)
        first, _ = await all_in(vault, webhook, [GIVEN_UP, DELIVERED])
    assert (first.attempts, first.answered, first.error) == (2, 503, "the answer was HTTP 503")
    assert first.ended is not None


async def test_a_delivery_is_sent_again_when_asked_for(vault: Vault, receiver: Receiver) -> None:
    webhook = await told(vault, receiver.url())
    job_id = await two_moves(vault)
    async with delivering(vault):
        first, _ = await all_in(vault, webhook, [DELIVERED, DELIVERED])
        await webhooks.redeliver(vault, webhook, first.id)
        await until(lambda: len(receiver.received) == 3)
        await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert receiver.steps[2] == (job_id, "QUEUEING", 2)
    assert receiver.received[2].told["delivery"] == first.id


async def test_a_redirect_is_not_followed(vault: Vault, receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.answer = lambda _: Answer(307, {"Location": inside.url()})
        webhook = await told(vault, receiver.url())
        await two_moves(vault)
        async with delivering(vault):
            first = await failed(vault, webhook, 1)
        assert first.error == "the answer was HTTP 307: redirects are not followed"
        assert inside.received == []


async def test_an_answer_that_does_not_come(vault: Vault, receiver: Receiver) -> None:
    released = threading.Event()

    def answer_never(_: Received) -> Answer:
        released.wait(PATIENCE)
        return Answer()

    receiver.answer = answer_never
    webhook = await told(vault, receiver.url())
    await two_moves(vault)
    try:
        async with delivering(vault, answer_seconds=0.3):
            first = await failed(vault, webhook, 1)
    finally:
        released.set()
    assert (first.state, first.answered) == (WAITING, None)
    assert first.error == "there was no whole answer within 0.3 seconds"


async def test_an_answer_without_end_is_left_unread(vault: Vault, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, endless=b"x" * 10_000)
    webhook = await told(vault, receiver.url())
    await two_moves(vault)
    async with delivering(vault):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])


@pytest.mark.parametrize("answer", [b"nothing of HTTP\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000])
async def test_an_answer_that_is_none(vault: Vault, answer: bytes) -> None:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    async with server:
        webhook = await told(vault, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await two_moves(vault)
        async with delivering(vault):
            first = await failed(vault, webhook, 1)
    assert first.answered is None


async def test_a_target_that_is_not_there(vault: Vault) -> None:
    with receiving() as gone:
        url = gone.url()
    webhook = await told(vault, url)
    await two_moves(vault)
    async with delivering(vault):
        first = await failed(vault, webhook, 1)
    assert (first.state, first.answered) == (WAITING, None)


async def test_certificates_are_verified(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name in the URL is what the certificate must be for, though the connection goes to an address."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(context)

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with receiving(tls=context) as receiver:
        right = await told(vault, receiver.url(host="hooks.example.com", scheme="https"))
        wrong = await told(vault, receiver.url(host="others.example.com", scheme="https"))
        await two_moves(vault)
        async with delivering(vault, look=here):
            await all_in(vault, right, [DELIVERED, DELIVERED])
            first = await failed(vault, wrong, 1)
    assert first.error
    assert "certificate verify failed" in first.error
    assert {request.headers["Host"] for request in receiver.received} == {f"hooks.example.com:{receiver.port}"}


async def test_a_file_of_authorities_that_is_not_there_stops_no_worker(
    vault: Vault, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    webhook = await told(vault, receiver.url())
    await two_moves(vault)
    async with delivering(vault):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])


async def test_a_name_that_has_come_to_mean_another_address(vault: Vault, receiver: Receiver) -> None:
    """It was a public one when the webhook was registered."""
    strict, url = closed(vault), receiver.url(host="hooks.example.com")
    answers = ["8.8.8.8", "127.0.0.1"]

    async def changing(host: str, port: int) -> list[str]:
        return [answers.pop(0)]

    await webhook_targets.check(strict.settings, NewWebhook(url, SECRET), changing)
    webhook = await told(vault, url)
    await two_moves(vault)
    async with delivering(strict, look=changing):
        first = await failed(vault, webhook, 1)
    assert first.error == "hooks.example.com stands for the address 127.0.0.1, which is not a public one"
    assert receiver.received == []


async def test_a_name_is_looked_up_once_for_each_delivery(vault: Vault, receiver: Receiver) -> None:
    """A second look, which could have another answer, never happens between the check and the connection."""
    answers = ["127.0.0.1", "127.0.0.1"]

    async def once(host: str, port: int) -> list[str]:
        return [answers.pop()]

    webhook = await told(vault, receiver.url(host="hooks.example.com"))
    await two_moves(vault)
    async with delivering(vault, look=once):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert answers == []


async def test_one_address_that_is_not_public_is_enough(vault: Vault, receiver: Receiver) -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "::ffff:127.0.0.1"]

    webhook = await told(vault, receiver.url(host="hooks.example.com"))
    await two_moves(vault)
    async with delivering(closed(vault), look=both):
        first = await failed(vault, webhook, 1)
    assert first.error
    assert "::ffff:127.0.0.1, which is not a public one" in first.error


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_of_this_machine_is_connected_to(vault: Vault, receiver: Receiver, host: str) -> None:
    webhook = await told(vault, receiver.url(host=host))
    await two_moves(vault)
    async with delivering(closed(vault)):
        first = await failed(vault, webhook, 1)
    assert first.error
    assert "which is not a public one" in first.error
    assert receiver.received == []


async def test_the_second_address_is_tried_when_the_first_is_dead(vault: Vault, receiver: Receiver) -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    webhook = await told(vault, receiver.url(host="hooks.example.com"))
    await two_moves(vault)
    async with delivering(vault, look=two):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])


async def test_a_worker_that_stops_gives_back_what_it_is_sending(vault: Vault, receiver: Receiver) -> None:
    released = threading.Event()

    def answer_late(_: Received) -> Answer:
        released.wait(PATIENCE)
        return Answer()

    receiver.answer = answer_late
    webhook = await told(vault, receiver.url())
    job_id = await two_moves(vault)
    hasty = replace(vault, settings=vault.settings.model_copy(update={"drain_seconds": 0.0}))
    try:
        async with delivering(hasty):
            await until(lambda: len(receiver.received) == 1)
    finally:
        released.set()
    async with delivering(vault):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert receiver.steps[:2] == [(job_id, "QUEUEING", 1), (job_id, "QUEUEING", 2)]


async def test_what_follows_one_that_waits_long_is_due_with_it(vault: Vault, receiver: Receiver) -> None:
    webhook = await told(vault, receiver.url())
    job = await jobs.start(vault, Counting(), CountingInput())
    async with vault.database.transaction() as connection:
        await connection.execute(text("UPDATE webhook_deliveries SET due = now() + interval '1 h'"))
    await jobs.cancel(vault, job.id)
    first, second = await listed(vault, webhook)
    assert first.due == second.due
    async with vault.database.transaction() as connection:
        await connection.execute(text("UPDATE webhook_deliveries SET due = now() WHERE id = :id"), {"id": first.id})
    async with delivering(vault):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])
    assert [status for _, status, _ in receiver.steps] == ["QUEUEING", "CANCELLED"]


async def test_deliveries_that_ended_long_ago_are_deleted(vault: Vault, receiver: Receiver) -> None:
    webhook = await told(vault, receiver.url())
    await two_moves(vault)
    async with delivering(vault):
        await all_in(vault, webhook, [DELIVERED, DELIVERED])
    job = await jobs.start(vault, Counting(), CountingInput())
    await make_older(vault, 7 * 24 - 1)
    await housekeeping.tidy(vault)
    assert len(await listed(vault, webhook)) == 3
    await make_older(vault, 2)
    await housekeeping.tidy(vault)
    assert [(each.job_id, each.state) for each in await listed(vault, webhook)] == [(job.id, WAITING)]


def closed(vault: Vault) -> Vault:
    """The same Vault, whose webhooks lead to public addresses only."""
    return replace(vault, settings=vault.settings.model_copy(update={"webhook_private": False}))
