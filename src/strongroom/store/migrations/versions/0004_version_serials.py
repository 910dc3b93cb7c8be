"""A running number for each version of a document, the third part of its global id."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("document_versions", sa.Column("serial", sa.Integer(), sa.Identity(), nullable=False))
