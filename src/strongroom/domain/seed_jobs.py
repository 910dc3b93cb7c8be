"""Job definitions of a seed, in the words of the API."""

from typing import Any

from msgspec import Struct, field

from strongroom.domain import schedule
from strongroom.domain.errors import InvalidData
from strongroom.domain.job_definition import SCHEDULE_KEYS, NewDefinition
from strongroom.domain.schedule import Schedule
from strongroom.domain.seed_checks import check, check_name, check_timezone


class JobDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    """Which job runs when. ``owner`` is the name of a user; without it the jobs run in the name of the system user.

    ``kind`` is the name of the job's metadata. Workers may still have to tell of it when the seed is read.
    """

    name: str
    title: str
    kind: str
    schedule: str
    time: str | None = None
    hourly_interval: int | None = None
    repeat_on_days: tuple[str, ...] | None = None
    month_repeat_type: str | None = None
    day_of_month: int | str | None = None
    week_of_month: int | str | None = None
    week_day: str | None = None
    timezone: str | None = None
    active: bool = True
    owner: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name)
        check_name(self.kind)
        check(self.title.strip(), "title is empty")
        if self.timezone is not None:
            check_timezone(self.timezone)
        try:
            self.times()
        except InvalidData as error:
            raise ValueError(error.message.rstrip(".")) from error

    def times(self) -> Schedule:
        """When its jobs are due."""
        given = {key: getattr(self, key) for key in SCHEDULE_KEYS}
        return schedule.read({key: value for key, value in given.items() if value is not None})

    def definition(self, owner: int) -> NewDefinition:
        """The definition that it describes, owned by a user."""
        return NewDefinition(
            name=self.name,
            title=self.title,
            kind=self.kind,
            schedule=self.times(),
            parameters=self.parameters,
            timezone=self.timezone,
            active=self.active,
            owner=owner,
        )
