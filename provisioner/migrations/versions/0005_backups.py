"""Backups that count, and drills"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import provisioner.models.moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), provisioner.models.moment.Moment()
    op.create_table(
        "backup",
        sa.Column("id", text, nullable=False),
        sa.Column("community_id", text, nullable=False),
        sa.Column("operation_id", text, nullable=False),
        sa.Column("shelf", text, nullable=False),
        sa.Column("snapshot", text, nullable=False),
        sa.Column("release", text, nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("read", text, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("forgotten_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"]),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operation_id", "shelf"),
    )
    op.create_index("ix_backup_newest", "backup", ["community_id", "made_at"])
    op.create_table(
        "drill",
        sa.Column("id", text, nullable=False),
        sa.Column("community_id", text, nullable=False),
        sa.Column("operation_id", text, nullable=False),
        sa.Column("backup_id", text, nullable=True),
        sa.Column("flaw", text, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("restore_seconds", sa.Float(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["backup_id"], ["backup.id"]),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"]),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operation_id"),
    )
    op.create_index("ix_drill_newest", "drill", ["community_id", "made_at"])


def downgrade() -> None:
    op.drop_table("drill")
    op.drop_table("backup")
