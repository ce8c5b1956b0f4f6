"""Upgrades: two doors a community, what ran before, and what an operation was asked for"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import provisioner.models.moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    for name in ("slot", "before", "snapshot"):  # those that run were made without slots
        op.add_column("community", sa.Column(name, text, nullable=False, server_default=""))
    moment = provisioner.models.moment.Moment()
    op.add_column("community", sa.Column("upgraded_at", moment, nullable=True))
    op.add_column("operation", sa.Column("asked", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("operation", "asked")
    for name in ("upgraded_at", "snapshot", "before", "slot"):
        op.drop_column("community", name)
