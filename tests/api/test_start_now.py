"""Start now: the same job, at once; and its interval is used up."""

import asyncio

import httpx
import pytest
from tests.api.http_server import logged_in
from tests.services.schedules import NOON, at, clock, define, jobs_of, register, told

from strongroom.domain.job import JobTraits
from strongroom.services import jobs, scheduled_jobs, users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

JOBS = "/api/v26.1/services/jobs"


@pytest.fixture
async def system_vault(system_vault: Vault) -> Vault:
    """The Vault at noon of a day in March, with a kind that can be scheduled: what the server of these tests serves."""
    await register(system_vault)
    return at(system_vault, NOON)


async def test_a_scheduled_job_keeps_its_id_and_uses_up_its_interval(http: httpx.AsyncClient, vault: Vault) -> None:
    definition = await define(vault)
    (job,) = await jobs_of(vault, definition)
    reply = (await http.post(f"{JOBS}/start_now/{job.id}")).json()
    assert reply == {"responseStatus": "SUCCESS", "url": f"{JOBS}/{job.id}", "job_id": job.id}
    assert await told(vault, definition) == [("QUEUEING", "2026-03-04 23:00"), ("SCHEDULED", "2026-03-05 23:00")]
    # Not today at 23:00, whatever else happens until then.
    await jobs.cancel(vault, job.id)
    assert await scheduled_jobs.begin_due(at(vault, clock("2026-03-04 23:00"))) == 0


async def test_a_job_that_is_not_scheduled_cannot_be_started(http: httpx.AsyncClient, vault: Vault) -> None:
    (job,) = await jobs_of(vault, await define(vault))
    await http.post(f"{JOBS}/start_now/{job.id}")
    assert await refusal(http, job.id) == (
        "OPERATION_NOT_ALLOWED",
        f"Job [{job.id}] cannot be started now: its status is QUEUEING, not SCHEDULED.",
    )
    other = await jobs.begin(vault, JobTraits("counting", "Counting", whole=True), {}, "POST")
    assert (await refusal(http, other.id))[0] == "OPERATION_NOT_ALLOWED"
    assert await refusal(http, 999) == ("INVALID_DATA", "There is no job [999].")
    assert (await refusal(http, 2**31))[0] == "INVALID_DATA"


async def test_of_several_at_once_one_wins(http: httpx.AsyncClient, vault: Vault) -> None:
    definition = await define(vault)
    (job,) = await jobs_of(vault, definition)
    replies = await asyncio.gather(*(http.post(f"{JOBS}/start_now/{job.id}") for _ in range(8)))
    assert sorted(reply.json()["responseStatus"] for reply in replies) == ["FAILURE"] * 7 + ["SUCCESS"]
    assert len(await jobs_of(vault, definition)) == 2


async def test_it_does_not_overlap_an_earlier_run_or_another_of_its_kind(http: httpx.AsyncClient, vault: Vault) -> None:
    definition = await define(vault)
    (first,) = await jobs_of(vault, definition)
    await http.post(f"{JOBS}/start_now/{first.id}")
    (_, second) = await jobs_of(vault, definition)
    reason = f"Job [{second.id}] cannot be started now: job [{first.id}] is QUEUEING."
    assert await refusal(http, second.id) == ("OPERATION_NOT_ALLOWED", reason)
    await register(vault, single_instance_states=("queued",))
    (other,) = await jobs_of(vault, await define(vault, "other__c"))
    assert (await refusal(http, other.id))[1].endswith(f"job [{first.id}] is QUEUEING.")


async def test_what_cannot_run_says_why_and_stays_scheduled(http: httpx.AsyncClient, vault: Vault) -> None:
    definition = await define(vault)
    (job,) = await jobs_of(vault, definition)
    await register(vault, error="line 3: no such name")
    assert "line 3: no such name" in (await refusal(http, job.id))[1]
    assert await told(vault, definition) == [("SCHEDULED", "2026-03-04 23:00")]


async def test_only_admins_may(port: int, vault: Vault) -> None:
    (job,) = await jobs_of(vault, await define(vault))
    await users.create(vault, NewUser("lena", "Lena", "Frost", "lena@example.org", "her password"))
    async with logged_in(port, "lena", "her password") as lena:
        assert (await refusal(lena, job.id))[0] == "INSUFFICIENT_ACCESS"


async def test_dates_of_scheduled_jobs_are_those_of_the_vaults_zone(
    http: httpx.AsyncClient, system_vault: Vault, vault: Vault
) -> None:
    definition = await define(vault, times={"schedule": "daily", "time": "02:30"}, timezone="Europe/Berlin")
    (job,) = await jobs_of(vault, definition)
    data = (await http.get(f"{JOBS}/{job.id}")).json()["data"]
    # This Vault is in UTC, whatever the zone of the schedule: 02:30 in Berlin.
    assert (data["status"], data["run_start_date"]) == ("SCHEDULED", "2026-03-05T01:30:00.000Z")
    assert "method" not in data
    assert "run_end_date" not in data


async def refusal(http: httpx.AsyncClient, job_id: int) -> tuple[str, str]:
    reply = (await http.post(f"{JOBS}/start_now/{job_id}")).json()
    assert reply["responseStatus"] == "FAILURE"
    (error,) = reply["errors"]
    return error["type"], error["message"]
