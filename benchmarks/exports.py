"""Export Documents of 10,000 documents, beside one INSERT ... SELECT that writes the same staging rows."""

import time

from benchmarks import documents
from benchmarks.measure import Bound, Comparison, Effort, Side, in_turn, used_by
from benchmarks.servers import Asking, Strongroom, strongroom

_COPY = """
    INSERT INTO staging_items (path, parent, name, kind, content_id, size, modified_date, modified_by, expires_date)
    SELECT $2 || path, $2 || parent, name, kind, content_id, size, modified_date, modified_by, expires_date
    FROM staging_items WHERE path > $1 || '/' AND path < $1 || '0'
"""
# Not any item of that name: there is a document of the same number in each export.
_FOLDER = "SELECT path FROM staging_items WHERE name = $1 AND parent NOT LIKE '/%/%'"
_BELOW = "SELECT count(*) FROM staging_items WHERE path > $1 || '/' AND path < $1 || '0'"


def run(effort: Effort) -> list[Comparison]:
    """Measure from the call that starts the job until its status is SUCCESS; each export is followed by its copy."""
    count = effort.of(10_000, 100)
    job, insert = Side("Strongroom"), Side("one INSERT ... SELECT")
    with strongroom() as server, server.client() as http, server.database() as url, Asking(url) as ask:
        ids = documents.fill(server, count)
        folder = ""

        def export() -> None:
            nonlocal folder
            with used_by(lambda: server.children("_worker")) as used:
                began = time.perf_counter()
                job_id = documents.export(http, ids)
                documents.wait_for(http, job_id, step=0.01)
                seconds = time.perf_counter() - began
            job.add(seconds, **used.notes())
            folder = str(ask(_FOLDER, str(job_id)))
            _check(server, job_id, count)

        def copy() -> None:
            rows = ask.count(_BELOW, folder)
            assert rows == 3 * count  # a folder for the document, one for the version, the file
            began = time.perf_counter()
            ask(_COPY, folder, "/copy")
            insert.add(time.perf_counter() - began)
            assert ask.count(_BELOW, f"/copy{folder}") == rows
            ask("DELETE FROM staging_items WHERE path LIKE '/copy/%'")

        in_turn(effort.rounds, export, copy)
    return [
        Comparison(
            f"Export Documents of {count:,} documents",
            "s",
            [job, insert],
            [Bound(job.name, (insert.name,), at_most=5)],
            "From the call that starts the job until its status is SUCCESS, one worker with 20 slots; the results are "
            "read, and a file is compared. The statement copies the rows that the job has made (for each document two "
            "folders and a file), in one durable transaction. CPU and memory are the worker's, without PostgreSQL.",
        )
    ]


def _check(server: Strongroom, job_id: int, count: int) -> None:
    with server.client() as http:
        reply = http.get(f"/objects/documents/batch/actions/fileextract/{job_id}/results").json()
        rows = reply["data"]
        assert len(rows) == count
        assert all(row["responseStatus"] == "SUCCESS" for row in rows)
        last = rows[-1]
        path = f"/services/file_staging/items/content/u{last['user_id__v']}{last['file']}"
        assert http.get(path).content == documents.CONTENT
