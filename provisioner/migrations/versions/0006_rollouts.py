"""Rollouts: how far a release has come, and who waits for what"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import provisioner.models.moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), provisioner.models.moment.Moment()
    for name in ("zone", "pinned_to", "postponed_why"):
        op.add_column("community", sa.Column(name, text, nullable=False, server_default=""))
    op.add_column("community", sa.Column("postponed_until", moment, nullable=True))
    op.add_column("operation", sa.Column("target", text, nullable=False, server_default=""))
    op.create_index("ix_operation_target", "operation", ["target"])
    op.create_table(
        "rollout",
        sa.Column("target", text, nullable=False),
        sa.Column("app", text, nullable=False),
        sa.Column("channel", text, nullable=False),
        sa.Column("notes", text, nullable=False),
        sa.Column("urgency", text, nullable=False),
        sa.Column("security_floor", text, nullable=False),
        sa.Column("published_at", moment, nullable=False),
        sa.Column("floor_raised_at", moment, nullable=True),
        sa.Column("state", text, nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("wave_started_at", moment, nullable=True),
        sa.Column("soaking_since", moment, nullable=True),
        sa.Column("ended_before", sa.Integer(), nullable=False),
        sa.Column("forgiven", sa.Integer(), nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("standings", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("target"),
    )
    op.create_index("ix_rollout_app", "rollout", ["app"])


def downgrade() -> None:
    op.drop_table("rollout")
    op.drop_index("ix_operation_target", "operation")
    op.drop_column("operation", "target")
    for name in ("postponed_until", "postponed_why", "pinned_to", "zone"):
        op.drop_column("community", name)
