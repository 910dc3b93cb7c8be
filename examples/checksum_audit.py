"""A custom job that reads every file of every document again, and compares it with the checksums that the Vault keeps.

Copy it into the jobs folder. Parameter ``search``: only documents that have this text, such as a part of their name.
The job ends with SUCCESS if every byte is as it was stored, and with ERRORS_ENCOUNTERED if one is not; its log names
each document that differs. It changes nothing, so that a task may be done again after its worker has died.
"""

import hashlib
from collections.abc import Iterator

from strongroom.domain.errors import InvalidData
from strongroom.domain.page import Window
from strongroom.sdk import (
    Job,
    JobCompletionContext,
    JobInfo,
    JobInitContext,
    JobItem,
    JobMetadata,
    JobProcessContext,
    JobValueType,
    TaskState,
)
from strongroom.services import contents, documents
from strongroom.services.documents import DocumentQuery

PAGE = 200
NUMBER = JobValueType.NUMBER


@JobInfo(admin_configurable=True, idempotent=True, admin_cancellable=True)
class ChecksumAudit(Job):
    """One item for each version that has a file; 50 of them make a task."""

    metadata = JobMetadata(
        name="checksum_audit__c",
        label="Checksum Audit",
        description="Reads every file of every document, and compares it with its checksums.",
        chunk_size=50,
        single_instance_states=("queued", "running"),
    )

    def init(self, context: JobInitContext) -> Iterator[JobItem]:
        """Give the versions that have a file."""
        query = DocumentQuery(search=context.get_job_parameter("search"), versionscope="all")
        offset = 0
        while page := context.call(documents.list_documents, query, Window(PAGE, offset)):
            for fields in (view.fields for view in page):
                if "md5checksum__v" in fields:
                    item = context.new_job_item().set_value("id", fields["id"])
                    item.set_value("major", fields["major_version_number__v"])
                    yield item.set_value("minor", fields["minor_version_number__v"])
            offset += PAGE

    def process(self, context: JobProcessContext) -> None:
        """Read the files of one task."""
        task = context.current_task
        checked = differing = size = 0
        for item in task.items:
            try:
                problem, read = check(context, item)
            except InvalidData:  # it was deleted since the job began
                continue
            checked, size = checked + 1, size + read
            if problem:
                differing += 1
                number = f"{item.get_value('major', NUMBER)}.{item.get_value('minor', NUMBER)}"
                context.job_logger.log(f"Document {item.get_value('id', NUMBER)}, version {number}: {problem}")
        task.task_output.set_value("checked", checked)
        task.task_output.set_value("differing", differing)
        task.task_output.set_value("bytes", size)
        if differing:
            task.task_output.set_state(TaskState.ERRORS_ENCOUNTERED)

    def complete_with_success(self, context: JobCompletionContext) -> None:
        """Say how much was read."""
        context.job_logger.log(summary(context))

    def complete_with_error(self, context: JobCompletionContext) -> None:
        """Say how much was read, and how much of it differs."""
        context.job_logger.log(summary(context))


def check(context: JobProcessContext, item: JobItem) -> tuple[str, int]:
    """What is wrong with a file (nothing: an empty text), and how many bytes were read. One piece is in memory."""
    number = (item.get_value("major", NUMBER), item.get_value("minor", NUMBER))
    file = context.call(documents.source, item.get_value("id", NUMBER), number)
    stored = context.call(contents.retrieve, file.content_id)
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    try:
        for piece in context.call(contents.read, file.content_id):
            sha256.update(piece)
            md5.update(piece)
            size += len(piece)
    except FileNotFoundError:
        return f"{file.filename} is gone from where the bytes are kept.", size
    if (sha256.hexdigest(), md5.hexdigest(), size) != (stored.sha256, stored.md5, stored.size):
        return f"{file.filename} has other bytes than were stored.", size
    return "", size


def summary(context: JobCompletionContext) -> str:
    """What all tasks have found together."""
    totals = {"checked": 0, "differing": 0, "bytes": 0}
    for task in context.tasks:
        for name in totals:
            totals[name] += task.task_output.get_value(name, NUMBER) or 0
    return "Read {checked} files, {bytes} bytes: {differing} differ.".format(**totals)
