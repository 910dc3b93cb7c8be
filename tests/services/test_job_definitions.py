"""Job definitions: an active one always has exactly one SCHEDULED job, whatever becomes of it and of that job."""

from typing import Any

import pytest
from tests.services.schedules import DAILY, HOURLY, NOON, at, clock, define, jobs_of, log_of, register, told

from strongroom.domain import schedule
from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed, ParameterRequired, VaultError
from strongroom.domain.job import JobStatus
from strongroom.domain.job_definition import JobDefinition, NewDefinition
from strongroom.domain.page import Window
from strongroom.services import job_definitions, jobs, scheduled_jobs, users
from strongroom.services.job_definitions import Changes
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


@pytest.fixture
async def noon(vault: Vault) -> Vault:
    """The Vault at noon of a day in March, with a kind that can be scheduled."""
    await register(vault)
    return at(vault, NOON)


async def test_an_active_definition_has_a_scheduled_job_at_once(noon: Vault) -> None:
    definition = await define(noon)
    assert (definition.version, definition.owner, definition.system) == (1, noon.user.id, False)
    (job,) = await jobs_of(noon, definition)
    assert (job.status, job.title, job.kind, job.method) == (JobStatus.SCHEDULED, "Nightly Count", "counting", None)
    assert (job.run_start_date, job.created_date, job.created_by) == (clock("2026-03-04 23:00"), NOON, noon.user.id)
    assert job.scheduled
    shown = await job_definitions.retrieve(noon, definition.id)
    assert (shown.definition, shown.job) == (definition, job)


async def test_an_inactive_definition_has_none_until_it_is_made_active(noon: Vault) -> None:
    definition = await define(noon, active=False)
    assert await scheduled_jobs.make_missing(noon) == 0
    assert await jobs_of(noon, definition) == []
    await job_definitions.update(noon, definition.id, Changes(active=True))
    assert await told(noon, definition) == [("SCHEDULED", "2026-03-04 23:00")]
    await job_definitions.update(noon, definition.id, Changes(active=False))
    assert await told(noon, definition) == [("CANCELLED", "2026-03-04 23:00")]
    assert (await job_definitions.retrieve(noon, definition.id)).job is None
    await job_definitions.update(noon, definition.id, Changes(active=True))
    assert (await told(noon, definition))[1:] == [("SCHEDULED", "2026-03-04 23:00")]


async def test_an_edit_applies_to_a_new_job_in_the_place_of_the_scheduled_one(noon: Vault) -> None:
    definition = await define(noon)
    changed = await job_definitions.update(noon, definition.id, Changes(schedule=schedule.read(HOURLY)))
    assert changed.version == 2
    old, new = await jobs_of(noon, definition)
    assert (old.status, old.run_end_date, old.run_start_date) == (JobStatus.CANCELLED, NOON, None)
    assert "Job Completion Status: Cancelled" in await log_of(noon, old)
    assert (new.status, new.run_start_date) == (JobStatus.SCHEDULED, clock("2026-03-04 12:30"))


async def test_an_edit_of_something_else_does_not_give_a_used_interval_back(noon: Vault) -> None:
    definition = await define(noon)
    (job,) = await jobs_of(noon, definition)
    await scheduled_jobs.start_now(noon, job.id)
    changed = await job_definitions.update(noon, definition.id, Changes(title="Count", parameters={"items": 5}))
    assert (changed.title, changed.parameters) == ("Count", {"items": 5})
    assert (await told(noon, definition))[1:] == [("CANCELLED", "2026-03-05 23:00"), ("SCHEDULED", "2026-03-05 23:00")]
    assert (await jobs_of(noon, definition))[2].title == "Count"


async def test_what_changes_nothing_makes_no_version_and_no_job(noon: Vault) -> None:
    definition = await define(noon)
    same = Changes(title="Nightly Count", schedule=schedule.read(DAILY), active=True, owner=noon.user.id)
    assert await job_definitions.update(noon, definition.id, same) == definition
    assert len(await jobs_of(noon, definition)) == 1


async def test_a_deleted_definition_leaves_its_jobs_and_cancels_the_scheduled_one(noon: Vault) -> None:
    definition = await define(noon)
    (job,) = await jobs_of(noon, definition)
    await job_definitions.delete(noon, definition.id)
    left = await jobs.retrieve(noon, job.id)
    assert (left.status, left.scheduled, left.definition) == (JobStatus.CANCELLED, True, None)
    assert await scheduled_jobs.make_missing(noon) == 0
    for gone in (job_definitions.retrieve(noon, definition.id), job_definitions.delete(noon, definition.id)):
        with pytest.raises(InvalidData, match=rf"There is no job definition \[{definition.id}\]"):
            await gone


async def test_the_vaults_own_can_be_changed_but_not_deleted(noon: Vault) -> None:
    definition = await define(noon)
    own = await job_definitions.create(noon, _again(definition, "own__v"), system=True)
    with pytest.raises(OperationNotAllowed, match=r"\[own__v\] is the Vault's own"):
        await job_definitions.delete(noon, own.id)
    assert (await job_definitions.update(noon, own.id, Changes(active=False))).system


async def test_definitions_are_listed_by_name_with_their_jobs(noon: Vault) -> None:
    for name in ("b__c", "a__c", "c__c"):
        await define(noon, name, active=name != "b__c")
    page = await job_definitions.list_definitions(noon, Window(2, 0))
    assert [each.definition.name for each in page.rows] == ["a__c", "b__c"]
    assert [each.job is not None for each in page.rows] == [True, False]
    assert page.total == 3


async def test_only_admins_may(noon: Vault) -> None:
    definition = await define(noon)
    created = await users.create(noon, NewUser("lena", "Lena", "Frost", "lena@example.org"))
    lena = noon.as_user(await users.retrieve(noon, created))
    (job,) = await jobs_of(noon, definition)
    for deed in (
        define(lena, "other__c"),
        job_definitions.update(lena, definition.id, Changes(active=False)),
        job_definitions.delete(lena, definition.id),
        job_definitions.retrieve(lena, definition.id),
        job_definitions.list_definitions(lena, Window()),
        scheduled_jobs.start_now(lena, job.id),
    ):
        with pytest.raises(InsufficientAccess):
            await deed
    assert await told(noon, definition) == [("SCHEDULED", "2026-03-04 23:00")]


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"name": "Nightly"}, InvalidData, r"\[Nightly\] is not a name"),
        ({"name": "nightly__c" * 20}, InvalidData, "is not a name"),
        ({"title": " "}, ParameterRequired, r"\[title\]"),
        ({"title": "x" * 1501}, InvalidData, r"\[title\] has 1501 characters"),
        ({"timezone": "Europe/Nowhere"}, InvalidData, r"\[timezone\] is not a known time zone: \[Europe/Nowhere\]"),
        ({"timezone": "../passwd"}, InvalidData, r"\[timezone\]"),
        ({"kind": "gone__c"}, InvalidData, r"There is no job metadata \[gone__c\]"),
        ({"kind": "private__c"}, InvalidData, "its code does not say admin_configurable"),
        ({"kind": "broken__c"}, InvalidData, "its code cannot be used: it is broken"),
        ({"kind": "inactive__c"}, InvalidData, "it is not active"),
        ({"owner": 99}, InvalidData, r"There is no user \[99\]"),
        ({"parameters": {"x": "y" * 8192}}, InvalidData, "bytes as JSON"),
    ],
)
async def test_what_is_refused(noon: Vault, values: dict[str, Any], error: type[VaultError], sentence: str) -> None:
    await register(noon, "private__c", admin_configurable=False, source="private.py")
    await register(noon, "broken__c", error="it is broken")
    await register(noon, "inactive__c", active=False)
    with pytest.raises(error, match=sentence):
        await define(noon, **values)
    assert (await job_definitions.list_definitions(noon, Window())).total == 0


async def test_a_name_is_given_once_and_an_inactive_owner_is_refused(noon: Vault) -> None:
    await define(noon)
    with pytest.raises(InvalidData, match=r"There is a job definition \[nightly__c\] already"):
        await define(noon)
    idle = await users.create(noon, NewUser("idle", "I", "Dle", "idle@example.org", active=False))
    with pytest.raises(InvalidData, match="the user is inactive"):
        await define(noon, "other__c", owner=idle)


async def test_a_built_in_kind_needs_no_admin_configurable(noon: Vault) -> None:
    await register(noon, "own__v", admin_configurable=False)
    assert (await define(noon, kind="own__v")).kind == "own__v"


async def test_an_owner_and_a_time_zone_of_its_own(noon: Vault) -> None:
    lena = await users.create(noon, NewUser("lena", "Lena", "Frost", "lena@example.org"))
    definition = await define(noon, owner=lena, timezone="Pacific/Auckland")
    (job,) = await jobs_of(noon, definition)
    assert (job.created_by, job.run_start_date) == (lena, clock("2026-03-05 10:00"))


def _again(definition: JobDefinition, name: str) -> NewDefinition:
    return NewDefinition(
        name=name,
        title=definition.title,
        kind=definition.kind,
        schedule=definition.schedule,
        parameters=definition.parameters,
    )
