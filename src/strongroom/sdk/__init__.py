"""The shape of a job: what a kind of job says about itself, in the words of the Vault Java SDK."""

from strongroom.sdk.contexts import CompletionContext, InitContext, ProcessContext
from strongroom.sdk.job import JobKind, ResultsEndpoint, Start, results
from strongroom.sdk.registry import DuplicateKindError, load

__all__ = [
    "CompletionContext",
    "DuplicateKindError",
    "InitContext",
    "JobKind",
    "ProcessContext",
    "ResultsEndpoint",
    "Start",
    "load",
    "results",
]
