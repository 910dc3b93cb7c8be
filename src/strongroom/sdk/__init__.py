"""The shape of a job, of built-in kinds and of those that users write, in the words of the Vault Java SDK."""

from strongroom.domain.custom_job import JobMetadata
from strongroom.domain.job import TaskState
from strongroom.sdk.bridge import StoppedError
from strongroom.sdk.contexts import CompletionContext, InitContext, ProcessContext
from strongroom.sdk.custom_contexts import (
    JobCompletionContext,
    JobInitContext,
    JobLogger,
    JobProcessContext,
    JobResult,
    JobService,
    JobTask,
    JobTasks,
)
from strongroom.sdk.custom_job import Job, JobInfo
from strongroom.sdk.custom_values import JobInput, JobItem, JobParameters, JobParamValueType, JobValueType, TaskOutput
from strongroom.sdk.job import JobKind, ResultsEndpoint, Start, results
from strongroom.sdk.registry import DuplicateKindError, load

__all__ = [
    "CompletionContext",
    "DuplicateKindError",
    "InitContext",
    "Job",
    "JobCompletionContext",
    "JobInfo",
    "JobInitContext",
    "JobInput",
    "JobItem",
    "JobKind",
    "JobLogger",
    "JobMetadata",
    "JobParamValueType",
    "JobParameters",
    "JobProcessContext",
    "JobResult",
    "JobService",
    "JobTask",
    "JobTasks",
    "JobValueType",
    "ProcessContext",
    "ResultsEndpoint",
    "Start",
    "StoppedError",
    "TaskOutput",
    "TaskState",
    "load",
    "results",
]
