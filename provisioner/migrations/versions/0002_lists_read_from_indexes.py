"""Lists and totals of communities are read from indexes"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ADDED = {
    "ix_community_newest": ["created_at", "id"],
    "ix_community_state_newest": ["state", "created_at", "id"],
    "ix_community_totals": ["state", "verdict", "memory_mb"],
}


def upgrade() -> None:
    for name, columns in ADDED.items():
        op.create_index(name, "community", columns)
    op.drop_index("ix_community_state", "community")  # each of two above begins with it


def downgrade() -> None:
    op.create_index("ix_community_state", "community", ["state"])
    for name in ADDED:
        op.drop_index(name, "community")
