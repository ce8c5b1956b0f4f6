"""Twins: the version that comes has a service of its own, beside the one that serves"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    op.add_column("community", sa.Column("runs_as", text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("community", "runs_as")
