"""The last lines of a job's log, in the shape that Vault gives them."""

from strongroom.domain.dates import written
from strongroom.domain.job import Job, JobStatus

# Vault's own words are known for success only.
_COMPLETION = {
    JobStatus.SUCCESS: "Success (COMPLETED_WITH_SUCCESS)",
    JobStatus.ERRORS_ENCOUNTERED: "Errors Encountered (COMPLETED_WITH_ERRORS)",
    JobStatus.FAILED_TO_RUN: "Failed to Run (FAILED_TO_RUN)",
    JobStatus.CANCELLED: "Cancelled (CANCELLED)",
    JobStatus.TIMEOUT: "Timeout (TIMEOUT)",
    JobStatus.COMPLETED_DUE_TO_INACTIVITY: "Completed due to Inactivity (COMPLETED_DUE_TO_INACTIVITY)",
    JobStatus.MISSED_SCHEDULE: "Missed Schedule (MISSED_SCHEDULE)",
}


def closing_lines(job: Job) -> str:
    """What is written when a job has ended."""
    created = written(job.created_date)
    scheduled = created if job.schedule_date is None else written(job.schedule_date)
    started = created if job.run_start_date is None else written(job.run_start_date)
    ended = created if job.run_end_date is None else written(job.run_end_date)
    return "\n".join(
        [
            f"Completed {job.title.lower()} job [{job.id}]",
            "",
            f"Job Title: {job.title}",
            "Job Type: ASYNC_OPERATION",
            f"Job Subtype: {job.kind.upper()}",
            f"Job Schedule Time: {scheduled}",
            f"Job Queue Time: {created}",
            f"Job Execution Time: {started}",
            f"Job Finish Time: {ended}",
            f"Job Completion Status: {_COMPLETION.get(job.status, job.status)}",
        ]
    )
