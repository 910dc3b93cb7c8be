"""The last lines of a job's log, in the shape that Vault gives them."""

from strongroom.domain.dates import written
from strongroom.domain.job import Job, JobStatus

_COMPLETION = {
    JobStatus.SUCCESS: "Success (COMPLETED_WITH_SUCCESS)",
    JobStatus.ERRORS_ENCOUNTERED: "Errors Encountered (COMPLETED_WITH_ERRORS)",
}


def closing_lines(job: Job) -> str:
    """What is written when a job has ended."""
    created = written(job.created_date)
    started = created if job.run_start_date is None else written(job.run_start_date)
    ended = created if job.run_end_date is None else written(job.run_end_date)
    return "\n".join(
        [
            f"Completed {job.title.lower()} job [{job.id}]",
            "",
            f"Job Title: {job.title}",
            "Job Type: ASYNC_OPERATION",
            f"Job Subtype: {job.kind.upper()}",
            f"Job Schedule Time: {created}",
            f"Job Queue Time: {created}",
            f"Job Execution Time: {started}",
            f"Job Finish Time: {ended}",
            f"Job Completion Status: {_COMPLETION.get(job.status, job.status)}",
        ]
    )
