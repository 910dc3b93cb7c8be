"""What all tables share: the collection they are in, and the column types that recur."""

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Moment = DateTime(timezone=True)
Json = JSONB(none_as_null=True)
Ordered = Text(collation="C")
"""Text whose order shows: byte order, the same on every machine."""
