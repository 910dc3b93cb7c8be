"""Webhooks of a real server: told in order, and once more when the worker is killed that was telling."""

import threading
import time
from collections.abc import Callable

import asyncpg
import pytest
from tests.engine.receiver import SECRET, Answer, Received, receiving
from tests.process.vault_client import EXPORT, PATIENCE, VaultClient, as_rows
from tests.server.serving import Starting

pytestmark = pytest.mark.anyio


async def test_a_killed_worker_loses_no_delivery(start_prepared: Starting, database_url: str) -> None:
    server = start_prepared("--webhook-private", "--limits", "off")
    killed, arrived = threading.Event(), threading.Event()

    def answer(_: Received) -> Answer:
        arrived.set()
        assert killed.wait(PATIENCE)
        return Answer()

    with receiving() as receiver, VaultClient.logged_in(server) as client:
        receiver.answer = answer
        headers = {"X-Strongroom-Webhook": receiver.url(), "X-Strongroom-Webhook-Secret": SECRET}
        rows = as_rows(client.fill(1, different=1))
        job = int(client.post(EXPORT, json=rows, headers=headers)["job_id"])
        try:
            assert arrived.wait(PATIENCE)
            (worker,) = server.children("_worker")
            worker.kill()
            worker.wait(PATIENCE)
        finally:
            killed.set()
        assert client.wait_for(job)["status"] == "SUCCESS"
        await let_the_lease_end(database_url)
        until(lambda: any(status == "SUCCESS" for _, status, _ in receiver.steps))
        received = [*receiver.received]
    assert [each.step for each in received] == [
        (job, "QUEUED", 1),
        (job, "QUEUED", 2),
        (job, "RUNNING", 1),
        (job, "SUCCESS", 1),
    ]
    assert received[0].told["delivery"] == received[1].told["delivery"]
    assert all(each.is_signed_with(SECRET) for each in received)


async def test_nobody_is_told_on_this_machine_unless_the_settings_allow_it(start_prepared: Starting) -> None:
    server = start_prepared("--limits", "off", "--workers", 0)
    with receiving() as receiver, VaultClient.logged_in(server) as client:
        reply = client.http.post(f"{client.base}/services/webhooks", json={"url": receiver.url()}).json()
        assert "127.0.0.1, which is not a public one" in reply["errors"][0]["message"]


async def let_the_lease_end(database_url: str) -> None:
    """What the killed worker had claimed is due after 30 seconds: now, that is."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE webhook_deliveries SET due = now() WHERE state = 'WAITING'")
    finally:
        await connection.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
