"""Export Documents: what is asked for, what is found, where it lies on file staging."""

from typing import Any

import msgspec

EXPORT_MAX = 10_000
"""Versions in one export, at most."""
RENDITIONS_FOLDER = "renditions"
"""The folder beside a version's source file."""


# Structs, not dataclasses: an export makes tens of thousands of these, and their making is a tenth of the time.
class Wanted(msgspec.Struct, frozen=True):
    """A document, or one version of it, that somebody wants exported."""

    document_id: int
    major: int | None = None
    minor: int | None = None

    def to_item(self) -> dict[str, Any]:
        """As a job item."""
        if self.major is None:
            return {"id": self.document_id}
        return {"id": self.document_id, "major": self.major, "minor": self.minor}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> "Wanted":
        """From a job item."""
        return cls(item["id"], item.get("major"), item.get("minor"))


class ExportFile(msgspec.Struct, frozen=True):
    """One file of an export (``content_id`` is set), or why there is none (``problem`` is set)."""

    document_id: int
    major: int | None = None
    minor: int | None = None
    name: str = ""
    content_id: int | None = None
    size: int = 0
    problem: str | None = None

    def path(self, job_id: int) -> str:
        """Where the file lies, below the user's folder."""
        return f"/{job_id}/{self.document_id}/{self.major}_{self.minor}/{self.name}"

    def to_output(self) -> list[Any]:
        """As a row of a task's output, from which ``from_output`` makes it again without content and size."""
        return [self.document_id, self.major, self.minor, self.name, self.problem]

    @classmethod
    def from_output(cls, row: list[Any]) -> "ExportFile":
        """From a row of a task's output."""
        document_id, major, minor, name, problem = row
        return cls(document_id, major, minor, name, problem=problem)

    def to_result(self, job_id: int, user_id: int) -> dict[str, Any]:
        """As a row of the results."""
        row: dict[str, Any] = {"responseStatus": "FAILURE" if self.problem else "SUCCESS", "id": self.document_id}
        if self.major is not None:
            row |= {"major_version_number__v": self.major, "minor_version_number__v": self.minor}
        if self.problem:
            return row | {"errors": [{"type": "INVALID_DATA", "message": self.problem}]}
        return row | {"file": self.path(job_id), "user_id__v": user_id}
