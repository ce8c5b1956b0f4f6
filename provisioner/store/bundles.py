"""Bundles that count, and communities that moved."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from provisioner.models.bundle import Bundle
from provisioner.models.community import Community, CommunityState
from provisioner.store.database import Database


class Bundles(Database):
    """Rows of bundles."""

    def record_bundle(self, bundle: Bundle) -> None:
        """Once for each operation, however often it is told."""
        with self.session() as session:
            known = select(Bundle.id).where(Bundle.operation_id == bundle.operation_id)
            if session.exec(known).first() is None:
                session.add(bundle)

    def list_bundles(self, community_id: str) -> list[Bundle]:
        """Newest first."""
        with self.session(writes=False) as session:
            return list(
                session.exec(
                    select(Bundle)
                    .where(Bundle.community_id == community_id)
                    .order_by(col(Bundle.made_at).desc())
                ).all()
            )

    def list_kept_until(self, now: datetime) -> list[str]:
        """Ids of communities that moved, of which something is kept longer than was said."""
        with self.session(writes=False) as session:
            found = select(Community.id).where(
                Community.state == CommunityState.MOVED, col(Community.kept_until) <= now
            )
            return list(session.exec(found).all())
