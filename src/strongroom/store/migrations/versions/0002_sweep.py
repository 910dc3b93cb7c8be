"""What the sweep remembers: since when a content is unused, when the blob store was last searched."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("contents", sa.Column("unused_date", sa.DateTime(timezone=True), nullable=True))
    op.add_column("vaults", sa.Column("searched_date", sa.DateTime(timezone=True), nullable=True))
