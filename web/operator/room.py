"""What one community takes of the disk, and how much it may have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.core.quotas import MB, quota_of, say_size, warn_of_quota
from provisioner.engine.context import Context
from provisioner.engine.quota import USUAL
from provisioner.models.community import Community

NOT_YET = "not looked at yet"


@dataclass(frozen=True)
class RoomShown:
    """In words. `typed` is what the form shows: its own quota, or that it has none."""

    most: str
    data: str
    kept: str
    backups: str
    warning: str
    typed: str
    is_usual: bool
    is_told: bool
    weighed_at: datetime | None


def show_room(context: Context, community: Community, typed: str = "") -> RoomShown:
    """`typed` is what was refused and is shown again."""
    quota = quota_of(community, context.settings.quota_mb)
    return RoomShown(
        most=say_size(quota * MB) if quota else "as much as there is",
        data=_say(community.data_bytes),
        kept=_say(community.kept_bytes),
        backups=_say(community.backup_bytes),
        warning=warn_of_quota(community, quota),
        typed=typed or _say_own(community),
        is_usual=community.quota_mb is None,
        is_told=community.told_quota_mb == quota,
        weighed_at=community.weighed_at,
    )


def _say_own(community: Community) -> str:
    return USUAL if community.quota_mb is None else str(community.quota_mb)


def _say(size: int | None) -> str:
    return NOT_YET if size is None else say_size(size)
