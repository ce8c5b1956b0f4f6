"""Moves: bundles, and where a community lives now"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import provisioner.models.moment

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), provisioner.models.moment.Moment()
    op.add_column("community", sa.Column("moved_to", text, nullable=False, server_default=""))
    op.add_column("community", sa.Column("reading_since", moment, nullable=True))
    op.add_column("community", sa.Column("kept_until", moment, nullable=True))
    op.create_table(
        "bundle",
        sa.Column("id", text, nullable=False),
        sa.Column("community_id", text, nullable=False),
        sa.Column("operation_id", text, nullable=False),
        sa.Column("letter", text, nullable=False),
        sa.Column("sha256", text, nullable=False),
        sa.Column("file", text, nullable=False),
        sa.Column("snapshot", text, nullable=False),
        sa.Column("release", text, nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"]),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operation_id"),
    )
    op.create_index("ix_bundle_newest", "bundle", ["community_id", "made_at"])
    op.create_index("ix_bundle_letter", "bundle", ["letter"])


def downgrade() -> None:
    op.drop_table("bundle")
    for name in ("kept_until", "reading_since", "moved_to"):
        op.drop_column("community", name)
