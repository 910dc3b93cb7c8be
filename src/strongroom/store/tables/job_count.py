"""How many jobs ended in each hour, with each status: what a long history is counted and leafed through by."""

from sqlalchemy import BigInteger, Column, Integer, Table

from strongroom.store.tables.metadata import Moment, Ordered, metadata

# Kept by a trigger of the table of jobs. Each connection has rows of its own, so that none waits for another;
# housekeeping adds up those of connections that are gone and of hours that are over, as 0.
job_hour_counts = Table(
    "job_hour_counts",
    metadata,
    Column("hour", Moment, primary_key=True),
    Column("status", Ordered, primary_key=True),
    Column("backend", Integer, primary_key=True, autoincrement=False),
    Column("jobs", BigInteger, nullable=False),
)
