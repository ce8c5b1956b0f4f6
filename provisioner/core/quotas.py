"""How much of the disk a community may take, and what to say when much of it is taken. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.core.diagnosis import NEARLY_FULL
from provisioner.models.community import Community
from provisioner.models.disk import Disk

MB, GB = 1_000_000, 1_000_000_000
NEAR, FULL = NEARLY_FULL, 100  # percent: from when it is told, and when photos are refused
SMALLEST = 10  # MB: below that an empty community would be full
LARGEST = 100_000_000  # MB
RESERVE_MB = 200  # free disk that photos never take: APP_RESERVE_MB of images/taarafo/app


@dataclass(frozen=True)
class Weight:
    """What one community takes, in bytes: its data, what was kept of it before an upgrade, and
    its local backups. A file with several names is counted once, where it is met first."""

    data: int
    kept: int
    backups: int


def quota_of(community: Community, default_mb: int) -> int:
    """MB of data that it may have; 0 is no limit."""
    return default_mb if community.quota_mb is None else community.quota_mb


def measure_fill(data: int | None, quota_mb: int) -> int | None:
    """Percent of its quota that are used, rounded down; None when there is nothing to compare."""
    return data * 100 // (quota_mb * MB) if data is not None and quota_mb else None


def say_size(size: int) -> str:
    """`412 MB`, `41.5 GB`."""
    if size >= 10 * GB:
        return f"{size / GB:,.1f} GB"
    return f"{max(1, round(size / MB)) if size else 0:,} MB"


def say_weight(community: Community, quota_mb: int) -> str:
    """What it takes, each told apart; and of what."""
    if community.data_bytes is None:
        return "not looked at yet"
    most = f" of {say_size(quota_mb * MB)} that it may have" if quota_mb else ", without a limit"
    return (
        f"{say_size(community.data_bytes)} of data{most}; "
        f"{say_size(community.kept_bytes or 0)} kept from before an upgrade; "
        f"{say_size(community.backup_bytes or 0)} of local backups"
    )


def warn_of_quota(community: Community, quota_mb: int) -> str:
    """For the operator; empty while there is nothing to do."""
    fill = measure_fill(community.data_bytes, quota_mb)
    if fill is None or fill < NEAR or community.data_bytes is None:
        return ""
    what = "It takes no photos any more" if fill >= FULL else "At 100 % it takes no more photos"
    return (
        f"{community.address} has {say_size(community.data_bytes)} of the "
        f"{say_size(quota_mb * MB)} that it may have ({fill} %). {what}; words still fit. "
        f"`./taarafo community quota {community.label} MB` gives it more."
    )


def warn_of_quotas(fullest: Iterable[Community], count: int, default_mb: int) -> list[str]:
    """Of the fullest, each; then how many more there are."""
    told = [warn_of_quota(each, quota_of(each, default_mb)) for each in fullest]
    said = [sentence for sentence in told if sentence]
    more = count - len(told)
    if said and more > 0:
        said.append(
            f"{more} more {'communities have' if more > 1 else 'community has'} "
            f"{NEAR} % or more of what they may have."
        )
    return said


def is_filling(disk: Disk) -> bool:
    return disk.used * 100 >= disk.total * NEAR


def warn_of_disk(disk: Disk, minimum_free_mb: int) -> str:
    """For the operator; empty while there is nothing to do."""
    if not is_filling(disk):
        return ""
    return (
        f"The disk of {disk.name or 'this machine'} is {disk.used * 100 // disk.total} % full: "
        f"{say_size(disk.used)} of {say_size(disk.total)}. Make room on it, or move to a larger "
        f"one. Below {minimum_free_mb:,} MB free nothing new is started; below {RESERVE_MB} MB "
        "no community takes photos."
    )
