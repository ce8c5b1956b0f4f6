"""Room: what communities may take of the disk and what they take; images that nobody needs"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import provisioner.models.moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBERS = ("quota_mb", "told_quota_mb", "fill_percent")
BYTES = ("data_bytes", "kept_bytes", "backup_bytes")


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), provisioner.models.moment.Moment()
    for name in NUMBERS:
        op.add_column("community", sa.Column(name, sa.Integer(), nullable=True))
    for name in BYTES:
        op.add_column("community", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("community", sa.Column("weighed_at", moment, nullable=True))
    op.create_index("ix_community_fill", "community", ["state", "fill_percent"])
    op.create_table(
        "disk",
        sa.Column("node_id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("node_id"),
    )
    op.create_table(
        "idle_image",
        sa.Column("reference", text, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.PrimaryKeyConstraint("reference"),
    )


def downgrade() -> None:
    op.drop_table("idle_image")
    op.drop_table("disk")
    op.drop_index("ix_community_fill", "community")
    for name in ("weighed_at", *BYTES, *NUMBERS):
        op.drop_column("community", name)
