"""Job definitions, a Strongroom extension: Vault has them in its Admin pages only.

A definition is shown with these keys:

- `id`, `name`: numbers and names never change;
- `title`: what its jobs are called;
- `kind`: the name of the job's metadata;
- `schedule`, `time` and what else its schedule has, in the words of the MDL component `Job`;
- `timezone`: the zone of `time`; `vault_timezone` is true if that is the Vault's, since none was given;
- `active`: whether its next job is SCHEDULED; then `scheduled_job_id` is that job and
  `scheduled_start_date` its start (UTC);
- `system`: whether every Vault has it;
- `owner`: the id of the user in whose name its jobs run;
- `parameters`: what its jobs are given;
- `version`: counts its changes from 1;
- `created_by`, `created_date`, `modified_by`, `modified_date`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from strongroom.api import paging
from strongroom.api.binding import Id, Limit, Offset
from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.domain import schedule
from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData, ParameterRequired
from strongroom.domain.job_definition import SCHEDULE_KEYS, NewDefinition
from strongroom.domain.page import Window
from strongroom.services import job_definitions
from strongroom.services.job_definitions import Changes, Planned

_PATH = "/services/jobs/definitions"

Hours = Annotated[int, msgspec.Meta(ge=1, le=24)]


@dataclass(frozen=True)
class OneDefinition:
    """The definition that is asked for."""

    definition_id: Id


@dataclass(frozen=True)
class DefinitionList:
    """Which definitions are asked for."""

    limit: Limit = 50
    offset: Offset = 0


@dataclass(frozen=True)
class DefinitionValues:
    """What a definition is told. Week days may be a list or text with commas, parameters an object or its JSON."""

    title: str | None = None
    schedule: str | None = None
    time: str | None = None
    hourly_interval: Hours | None = None
    repeat_on_days: list[str] | str | None = None
    month_repeat_type: str | None = None
    day_of_month: str | int | None = None
    week_of_month: str | int | None = None
    week_day: str | None = None
    timezone: str | None = None
    active: bool | None = None
    owner: Id | None = None
    parameters: dict[str, Any] | str | None = None

    def schedule_data(self) -> dict[str, Any]:
        """What was said of the schedule, as the rules of schedules read it."""
        given = {key: value for key in SCHEDULE_KEYS if (value := getattr(self, key)) is not None}
        return {key: _plain(key, value) for key, value in given.items()}

    def parameter_values(self) -> dict[str, Any] | None:
        """The parameters, also where a form has them as text."""
        if not isinstance(self.parameters, str):
            return self.parameters
        try:
            return msgspec.json.decode(self.parameters, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise InvalidData(f"Invalid value specified for parameter [parameters]: {error}.") from error


@dataclass(frozen=True, kw_only=True)
class NewDefinitionValues(DefinitionValues):
    """The definition that is to be made."""

    name: str
    kind: str
    title: str


@dataclass(frozen=True, kw_only=True)
class DefinitionChanges(DefinitionValues):
    """The definition that is to be changed, and how. If any key of the schedule is given, all are."""

    definition_id: Id


@endpoint("GET", _PATH, extension=True)
async def retrieve_job_definitions(call: Call, asked: DefinitionList) -> dict[str, Any]:
    """Retrieve Job Definitions: a Strongroom extension."""
    page = await job_definitions.list_definitions(call.vault, Window(asked.limit, asked.offset))
    where = paging.by_offset(call, _PATH, page, {})
    return {**where, "data": [_shown(call, each) for each in page.rows]}


@endpoint("GET", _PATH + "/{definition_id}", extension=True)
async def retrieve_job_definition(call: Call, asked: OneDefinition) -> dict[str, Any]:
    """Retrieve Job Definition: a Strongroom extension."""
    return {"data": _shown(call, await job_definitions.retrieve(call.vault, asked.definition_id))}


@endpoint("POST", _PATH, body=FORM, extension=True)
async def create_job_definition(call: Call, asked: NewDefinitionValues) -> dict[str, Any]:
    """Create Job Definition: a Strongroom extension."""
    if asked.schedule is None:
        raise ParameterRequired.of("schedule")
    new = NewDefinition(
        name=asked.name,
        title=asked.title,
        kind=asked.kind,
        schedule=schedule.read(asked.schedule_data()),
        parameters=asked.parameter_values() or {},
        timezone=asked.timezone,
        active=asked.active is not False,
        owner=asked.owner,
    )
    made = await job_definitions.create(call.vault, new)
    return {"data": _shown(call, await job_definitions.retrieve(call.vault, made.id))}


@endpoint("PUT", _PATH + "/{definition_id}", body=FORM, extension=True)
async def update_job_definition(call: Call, asked: DefinitionChanges) -> dict[str, Any]:
    """Update Job Definition: a Strongroom extension. What is not given stays as it is."""
    data = asked.schedule_data()
    changes = Changes(
        title=asked.title,
        schedule=schedule.read(data) if data else None,
        parameters=asked.parameter_values(),
        timezone=asked.timezone,
        active=asked.active,
        owner=asked.owner,
    )
    await job_definitions.update(call.vault, asked.definition_id, changes)
    return {"data": _shown(call, await job_definitions.retrieve(call.vault, asked.definition_id))}


@endpoint("DELETE", _PATH + "/{definition_id}", extension=True)
async def delete_job_definition(call: Call, asked: OneDefinition) -> dict[str, Any]:
    """Delete Job Definition: a Strongroom extension. Its SCHEDULED job is cancelled."""
    await job_definitions.delete(call.vault, asked.definition_id)
    return {"data": {"id": asked.definition_id}}


def _plain(key: str, value: Any) -> Any:
    """A value as JSON would have it, though a form can only say it as text."""
    if key == "repeat_on_days" and isinstance(value, str):
        return [day.strip() for day in value.split(",") if day.strip()]
    if key in {"day_of_month", "week_of_month"} and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def _shown(call: Call, planned: Planned) -> Mapping[str, Any]:
    definition, job = planned.definition, planned.job
    return {
        "id": definition.id,
        "name": definition.name,
        "title": definition.title,
        "kind": definition.kind,
        **definition.schedule.to_data(),
        "timezone": definition.timezone or call.vault.info.timezone,
        "vault_timezone": definition.timezone is None,
        "active": definition.active,
        "scheduled_job_id": job and job.id,
        "scheduled_start_date": job and job.run_start_date and written(job.run_start_date),
        "system": definition.system,
        "owner": definition.owner,
        "parameters": definition.parameters,
        "version": definition.version,
        "created_by": definition.created_by,
        "created_date": written(definition.created_date),
        "modified_by": definition.modified_by,
        "modified_date": written(definition.modified_date),
    }
