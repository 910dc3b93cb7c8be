"""Named values of custom jobs: of items, of task outputs, of parameters; and the types they are asked for as."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import msgspec

from strongroom.domain.custom_job import PARAMETERS_BYTES_MAX
from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.domain.job import TaskState


class JobValueType(Enum):
    """The type as which a value of an item or of a task's output is asked for."""

    STRING = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"


class JobParamValueType(Enum):
    """The type as which a job's parameter is asked for; parameters of a form or of the command line are text."""

    STRING = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    DATE = "a date such as 2026-03-04"
    DATETIME = "a date-time such as 2026-03-04T09:15:20Z"


@dataclass(frozen=True)
class Values:
    """Values by name: text, numbers, true and false."""

    values: dict[str, Any] = field(default_factory=dict)

    def get_value(self, name: str, kind: JobValueType = JobValueType.STRING) -> Any:
        """A value; None if there is none of this name. A number is an int or a float."""
        return converted(name, self.values.get(name), kind)

    def _set(self, name: Any, value: Any) -> None:
        if not isinstance(name, str) or "\0" in name:
            raise InvalidData(f"The name of a value must be text, without NUL: [{name}].")
        refuse_other(name, value)
        self.values[name] = value


class JobItem(Values):
    """One item to work on."""

    def set_value(self, name: str, value: Any) -> "JobItem":
        """Set a value, and give the item again."""
        self._set(name, value)
        return self


@dataclass(frozen=True)
class JobInput:
    """The items of a job."""

    items: Any


@dataclass(frozen=True)
class TaskOutput(Values):
    """What becomes of a task: its state (SUCCESS unless it is set), its values, and whether it is done again."""

    task_id: str = ""
    idempotent: bool = True
    told: dict[str, Any] = field(default_factory=dict)

    def set_value(self, name: str, value: Any) -> None:
        """Set a value of the output."""
        self._set(name, value)

    def set_state(self, state: TaskState) -> None:
        """Say how the task ends: SUCCESS or ERRORS_ENCOUNTERED."""
        if state not in {TaskState.SUCCESS, TaskState.ERRORS_ENCOUNTERED}:
            raise InvalidData(f"The state of a task's output is SUCCESS or ERRORS_ENCOUNTERED, not [{state}].")
        self.told["state"] = TaskState(state)

    def set_retry(self, retry: bool) -> None:  # noqa: FBT001 - the words of the Vault Java SDK
        """Have the task worked on again, with nothing kept of this try. Only an idempotent job may."""
        if retry and not self.idempotent:
            raise OperationNotAllowed(
                f"{self.task_id} cannot be tried again: its job does not say @JobInfo(idempotent=True)."
            )
        self.told["retry"] = bool(retry)

    @property
    def state(self) -> TaskState:
        """The state that was set."""
        return TaskState(self.told.get("state", TaskState.SUCCESS))

    @property
    def retry(self) -> bool:
        """Whether the task is to be worked on again."""
        return bool(self.told.get("retry", False))


@dataclass(frozen=True)
class JobParameters(Values):
    """The job that ``JobService.run`` starts, by the name of its metadata, and its parameters."""

    name: str = ""

    def set_value(self, name: str, value: Any) -> "JobParameters":
        """Set a parameter, and give these parameters again."""
        self._set(name, value)
        return self


def converted(name: str, value: Any, kind: JobValueType | JobParamValueType) -> Any:
    """Give a value as the type that is asked for; raises ``InvalidData`` if it is none of that type."""
    if value is None:
        return None
    try:
        return _READERS[kind.name](value)
    except (ValueError, TypeError) as error:
        raise InvalidData(f"The value [{value}] of [{name}] is not {kind.value}.") from error


def refuse_other(name: str, value: Any) -> None:
    """Refuse a value that is no text, number or boolean, or that cannot be kept."""
    if value is not None and not isinstance(value, str | int | float):
        raise InvalidData(f"The value of [{name}] must be text, a number, true or false, not {type(value).__name__}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidData(f"The value of [{name}] must be a finite number: [{value}].")
    if isinstance(value, str) and "\0" in value:
        raise InvalidData(f"The value of [{name}] holds a NUL character.")


def size(value: Any) -> int:
    """How many bytes a value has as JSON."""
    try:
        return len(msgspec.json.encode(value))
    except (UnicodeEncodeError, msgspec.MsgspecError, TypeError, OverflowError) as error:
        raise InvalidData(f"A value cannot be kept as JSON: {error}.") from error


def check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse more parameters than a job may have."""
    found = size(dict(parameters))
    if found > PARAMETERS_BYTES_MAX:
        raise InvalidData(
            f"The parameters of job [{name}] have {found:,} bytes as JSON; 8 KB ({PARAMETERS_BYTES_MAX:,}) are the "
            "most: leave something out, or have the job read it itself."
        )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError("a boolean is no number")
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except ValueError:
        found = float(value)
    if not math.isfinite(found):
        raise ValueError("not finite")
    return found


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return word == "true"


def _date(value: Any) -> date:
    return date.fromisoformat(value)


def _datetime(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_READERS = {"STRING": _text, "NUMBER": _number, "BOOLEAN": _boolean, "DATE": _date, "DATETIME": _datetime}
