"""Jobs that run as a whole, in one go."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("whole", sa.Boolean(), nullable=False, server_default="false"))
