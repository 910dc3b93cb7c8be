"""How many calls there have been in a window of time."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table

from strongroom.store.tables.metadata import Moment, metadata

# What several web processes count together. Lost in a crash of PostgreSQL, which costs nobody anything.
call_counts = Table(
    "call_counts",
    metadata,
    # Whose calls: the whole Vault's, or the logins of a user name at a DNS. Of fixed length, whatever was sent.
    Column("subject", LargeBinary, primary_key=True),
    Column("ends", Moment, nullable=False),
    Column("calls", BigInteger, nullable=False),
    prefixes=["UNLOGGED"],
)
