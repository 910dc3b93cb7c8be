"""Job definitions over HTTP: an extension, in the words of the MDL component Job."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.api.http_server import logged_in, serving
from tests.services.schedules import NOON, at, clock, define, jobs_of, register

from strongroom.api.app import application
from strongroom.sdk.registry import Kinds
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

JOBS = "/api/v26.1/services/jobs"
PATH = f"{JOBS}/definitions"
NIGHTLY = {"name": "nightly__c", "title": "Nightly Count", "kind": "counting", "schedule": "daily", "time": "23:00"}


@pytest.fixture
async def system_vault(system_vault: Vault) -> Vault:
    """The Vault at noon of a day in March, with a kind that can be scheduled: what the server of these tests serves."""
    await register(system_vault)
    return at(system_vault, NOON)


async def test_a_definition_is_made_shown_changed_and_deleted(http: httpx.AsyncClient, vault: Vault) -> None:
    made = (await http.post(PATH, json={**NIGHTLY, "parameters": {"items": 3}})).json()
    assert made["responseStatus"] == "SUCCESS"
    data = made["data"]
    url = f"{PATH}/{data['id']}"
    assert data == {
        "id": data["id"],
        **NIGHTLY,
        "timezone": "UTC",
        "vault_timezone": True,
        "active": True,
        "scheduled_job_id": data["scheduled_job_id"],
        "scheduled_start_date": "2026-03-04T23:00:00.000Z",
        "system": False,
        "owner": vault.user.id,
        "parameters": {"items": 3},
        "version": 1,
        "created_by": vault.user.id,
        "created_date": "2026-03-04T12:00:00.000Z",
        "modified_by": vault.user.id,
        "modified_date": "2026-03-04T12:00:00.000Z",
    }
    assert (await http.get(url)).json()["data"] == data
    changed = (await http.put(url, data={"active": "false", "title": "Count"})).json()["data"]
    assert (changed["active"], changed["title"], changed["version"]) == (False, "Count", 2)
    assert "scheduled_job_id" not in changed
    assert changed["parameters"] == {"items": 3}
    assert (await http.delete(url)).json() == {"responseStatus": "SUCCESS", "data": {"id": data["id"]}}
    assert (await http.get(url)).json()["errors"] == [
        {"type": "INVALID_DATA", "message": f"There is no job definition [{data['id']}]."}
    ]


async def test_a_form_says_lists_numbers_and_objects_as_text(http: httpx.AsyncClient) -> None:
    weekly = {**NIGHTLY, "schedule": "weekly", "repeat_on_days": "Wed, Mon", "parameters": '{"items": 3}'}
    shown = (await http.post(PATH, data=weekly)).json()["data"]
    assert (shown["repeat_on_days"], shown["parameters"]) == (["Mon", "Wed"], {"items": 3})
    monthly = {"schedule": "monthly", "time": "04:00", "month_repeat_type": "dayOfTheMonth", "day_of_month": "15"}
    shown = (await http.put(f"{PATH}/{shown['id']}", data=monthly)).json()["data"]
    assert (shown["day_of_month"], shown["scheduled_start_date"]) == (15, "2026-03-15T04:00:00.000Z")
    assert "repeat_on_days" not in shown
    last = {**monthly, "day_of_month": "last", "timezone": "Asia/Tokyo"}
    shown = (await http.put(f"{PATH}/{shown['id']}", json=last)).json()["data"]
    assert (shown["day_of_month"], shown["scheduled_start_date"]) == ("last", "2026-03-30T19:00:00.000Z")
    assert (shown["timezone"], shown["vault_timezone"]) == ("Asia/Tokyo", False)


async def test_they_are_listed_in_pages(http: httpx.AsyncClient, vault: Vault) -> None:
    for name in ("b__c", "a__c", "c__c"):
        await define(vault, name)
    reply = (await http.get(PATH, params={"limit": 2})).json()
    assert [each["name"] for each in reply["data"]] == ["a__c", "b__c"]
    assert reply["url"] == f"{PATH}?limit=2&offset=0"
    assert reply["responseDetails"] == {"total": 3, "limit": 2, "offset": 0, "next_page": f"{PATH}?limit=2&offset=2"}
    assert [each["name"] for each in (await http.get(reply["responseDetails"]["next_page"])).json()["data"]] == ["c__c"]


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({"name": None}, "PARAMETER_REQUIRED", "[name]"),
        ({"kind": None}, "PARAMETER_REQUIRED", "[kind]"),
        ({"schedule": None}, "PARAMETER_REQUIRED", "[schedule]"),
        ({"schedule": "yearly"}, "INVALID_DATA", "[yearly]"),
        ({"time": "25:00"}, "INVALID_DATA", "[25:00]"),
        ({"week_day": "Mon"}, "INVALID_DATA", "[week_day]"),
        ({"hourly_interval": "often"}, "INVALID_DATA", "[often]"),
        ({"parameters": "[1]"}, "INVALID_DATA", "[parameters]"),
        ({"parameters": "{"}, "INVALID_DATA", "[parameters]"),
        ({"timezone": "Europe/Nowhere"}, "INVALID_DATA", "[Europe/Nowhere]"),
        ({"owner": 999}, "INVALID_DATA", "There is no user [999]"),
        ({"active": "perhaps"}, "INVALID_DATA", "[perhaps]"),
    ],
)
async def test_what_is_refused(http: httpx.AsyncClient, given: dict[str, Any], kind: str, sentence: str) -> None:
    body = {name: value for name, value in {**NIGHTLY, **given}.items() if value is not None}
    (error,) = (await http.post(PATH, json=body)).json()["errors"]
    assert error["type"] == kind
    assert sentence in error["message"]
    assert (await http.get(PATH)).json()["data"] == []


async def test_it_is_understood_as_xml_too(http: httpx.AsyncClient) -> None:
    await http.post(PATH, json={**NIGHTLY, "parameters": {"items": 3, "a name & more": [1, {"x": "<y>"}]}})
    reply = await http.get(PATH, headers={"accept": "application/xml"})
    assert reply.headers["content-type"].startswith("application/xml")
    assert "<name>nightly__c</name>" in reply.text


@pytest.mark.parametrize(
    ("zone", "planned", "shown"),
    [
        ("Europe/Berlin", "2026-03-29 00:30", "2026-03-29T01:30:00.000Z"),
        ("Europe/Berlin", "2026-03-29 01:30", "2026-03-29T03:30:00.000Z"),
        ("America/New_York", "2026-03-05 02:00", "2026-03-04T21:00:00.000Z"),
    ],
)
async def test_the_status_of_a_scheduled_job_has_the_dates_of_the_vaults_zone(
    system_vault: Vault, vault: Vault, job_kinds: Kinds, zone: str, planned: str, shown: str
) -> None:
    moved = replace(system_vault, info=replace(system_vault.info, timezone=zone))
    async with serving(application(moved, job_kinds)) as port, logged_in(port) as http:
        moment = clock(planned)
        times = {"schedule": "daily", "time": f"{moment:%H:%M}"}
        planned_for = at(vault, moment.replace(hour=0, minute=0))
        (job,) = await jobs_of(vault, await define(planned_for, "utc__c", times=times, timezone="UTC"))
        assert job.run_start_date == moment
        data = (await http.get(f"{JOBS}/{job.id}")).json()["data"]
        assert data["run_start_date"] == shown
        listed = (await http.get(f"{JOBS}/monitors")).json()["jobs"]
        assert [row["run_start_date"] for row in listed] == [f"{moment:%Y-%m-%dT%H:%M}:00.000Z"]
