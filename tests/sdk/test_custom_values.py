"""Values, metadata and marks of custom jobs: what they take, and the sentences with which they refuse."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.sdk import Job, JobInfo, JobItem, JobMetadata, JobParamValueType, JobValueType, TaskOutput, TaskState
from strongroom.sdk.custom_job import check, is_custom_job
from strongroom.sdk.custom_values import check_parameters, converted


def metadata(**changed: Any) -> JobMetadata:
    values: dict[str, Any] = {"name": "audit__c", "label": "Audit", "chunk_size": 500}
    return JobMetadata(**values | changed)


def test_metadata_at_its_limits() -> None:
    full = metadata(
        label="x" * 60,
        description="x" * 1500,
        queue="audits__c",
        single_instance_states=["scheduled", "queued", "running"],
        timeout_duration=1,
    )
    assert full.single_instance_states == ("scheduled", "queued", "running")
    assert metadata(chunk_size=1, single_instance_states="running").single_instance_states == ("running",)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "audit__v"}, "The name [audit__v] of a custom job must be like checksum_audit__c"),
        ({"name": "Audit__c"}, "The name [Audit__c] of a custom job must be like checksum_audit__c"),
        ({"label": "x" * 61}, "The label of a custom job has 61 characters; 60 are the most"),
        ({"label": " "}, "The label of a custom job must not be empty."),
        ({"description": "x" * 1501}, "The description of a custom job has 1501 characters; 1500 are the most"),
        ({"chunk_size": 0}, "The chunk_size of a custom job must be a whole number from 1 to 500: [0]."),
        ({"chunk_size": 501}, "The chunk_size of a custom job must be a whole number from 1 to 500: [501]."),
        ({"chunk_size": True}, "The chunk_size of a custom job must be a whole number from 1 to 500: [True]."),
        ({"timeout_duration": 0}, "The timeout_duration of a custom job must be a whole number from 1 to"),
        ({"queue": "audits"}, "The queue [audits] of a custom job must be like"),
        (
            {"single_instance_states": ("ended",)},
            "[ended] is none of the single_instance_states scheduled, queued, running.",
        ),
    ],
)
def test_metadata_is_refused_with_value_and_limit(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidData) as raised:
        metadata(**changed)
    assert told in raised.value.message


def test_a_class_is_a_custom_job_if_it_says_so_itself() -> None:
    @JobInfo(idempotent=True)
    class Marked(Job):
        metadata = metadata()

        def init(self, context: object) -> list[JobItem]:
            return []

        def process(self, context: object) -> None: ...

    class Below(Marked):
        pass

    assert is_custom_job(Marked)
    check(Marked)
    assert (Marked.info.idempotent, Marked.info.is_visible, Marked.info.admin_cancellable) == (True, True, False)
    assert not is_custom_job(Below)
    assert not is_custom_job(Job)
    assert not is_custom_job(Marked())


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        (JobParamValueType.STRING, 7, "7"),
        (JobParamValueType.STRING, True, "true"),
        (JobParamValueType.NUMBER, "7", 7),
        (JobParamValueType.NUMBER, "7.5", 7.5),
        (JobParamValueType.NUMBER, 7, 7),
        (JobParamValueType.BOOLEAN, "TRUE", True),
        (JobParamValueType.BOOLEAN, False, False),
        (JobParamValueType.DATE, "2026-03-04", date(2026, 3, 4)),
        (JobParamValueType.DATETIME, "2026-03-04T09:15:20Z", datetime(2026, 3, 4, 9, 15, 20, tzinfo=UTC)),
        (JobParamValueType.DATETIME, "2026-03-04T09:15:20", datetime(2026, 3, 4, 9, 15, 20, tzinfo=UTC)),
        (JobParamValueType.NUMBER, None, None),
    ],
)
def test_parameters_are_given_as_the_type_that_is_asked_for(kind: JobParamValueType, given: Any, wanted: Any) -> None:
    found = converted("since", given, kind)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (JobParamValueType.NUMBER, "many"),
        (JobParamValueType.NUMBER, "nan"),
        (JobParamValueType.NUMBER, True),
        (JobParamValueType.BOOLEAN, "yes"),
        (JobParamValueType.BOOLEAN, 1),
        (JobParamValueType.DATE, "4 March"),
        (JobParamValueType.DATE, 20260304),
        (JobParamValueType.DATETIME, "now"),
    ],
)
def test_parameters_of_another_type_are_refused(kind: JobParamValueType, given: Any) -> None:
    with pytest.raises(InvalidData) as raised:
        converted("since", given, kind)
    assert raised.value.message == f"The value [{given}] of [since] is not {kind.value}."


def test_items_keep_their_values() -> None:
    item = JobItem().set_value("id", 7).set_value("name", "Ü").set_value("done", value=False)
    assert item.get_value("id", JobValueType.NUMBER) == 7
    assert item.get_value("id") == "7"
    assert item.get_value("name", JobValueType.STRING) == "Ü"
    assert item.get_value("done", JobValueType.BOOLEAN) is False
    assert item.get_value("other") is None


@pytest.mark.parametrize("value", [[1], {"a": 1}, date(2026, 3, 4), b"x", math.nan, math.inf, "a\0b"])
def test_items_refuse_what_cannot_be_kept(value: Any) -> None:
    with pytest.raises(InvalidData, match=r"value of \[x\]"):
        JobItem().set_value("x", value)


@pytest.mark.parametrize("name", ["a\0b", 7])
def test_items_refuse_names_that_cannot_be_kept(name: Any) -> None:
    with pytest.raises(InvalidData, match="name of a value"):
        JobItem().set_value(name, 1)


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        (lambda output: output.set_retry(True), OperationNotAllowed),
        (lambda output: output.set_state(TaskState.QUEUED), InvalidData),
    ],
)
def test_an_output_refuses_what_its_task_may_not(deed: Callable[[TaskOutput], None], error: type[Exception]) -> None:
    output = TaskOutput(task_id="Task1", idempotent=False)
    with pytest.raises(error):
        deed(output)
    assert (output.state, output.retry) == (TaskState.SUCCESS, False)


def test_parameters_of_8_kb_are_the_most() -> None:
    check_parameters("audit__c", {"x": "x" * 8184})
    with pytest.raises(InvalidData, match=r"The parameters of job \[audit__c\] have 8,193 bytes"):
        check_parameters("audit__c", {"x": "x" * 8185})
