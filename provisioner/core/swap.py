"""An upgrade or a rollback as it was asked for: from what to what, and with whose data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from provisioner.core.place import TWIN
from provisioner.core.versions import version_key, version_of
from provisioner.models.community import Community
from provisioner.models.release import Release


@dataclass(frozen=True)
class Swap:
    """Written down once, so that every worker that continues it does the same.

    Releases are TUF target paths. `data` is the id of the Operation whose snapshot is brought back;
    empty: the data stays as it is. The service that comes is another than the one that goes, but in
    a swap that was recorded before there were twins.
    """

    release: str
    slot: str
    from_release: str
    from_slot: str
    data: str = ""
    runs_as: str = ""
    from_runs_as: str = ""

    @property
    def has_twin(self) -> bool:
        """Whether the new version has a service beside that of the old one."""
        return self.runs_as != self.from_runs_as

    @property
    def version(self) -> str:
        return version_of(self.release)

    @property
    def from_version(self) -> str:
        return version_of(self.from_release)

    def as_asked(self) -> dict[str, str]:
        return asdict(self)


def read_swap(asked: Mapping[str, str]) -> Swap:
    """Raises TypeError for what is none."""
    return Swap(**asked)


def plan_upgrade(community: Community, target: str) -> Swap:
    return Swap(
        release=target,
        slot=_other(community.slot),
        from_release=community.release,
        from_slot=community.slot,
        runs_as=_twin_of(community),
        from_runs_as=community.runs_as,
    )


def plan_rollback(community: Community, *, as_it_was: bool) -> Swap:
    """Back to what ran before; with its data as it was then, or with what was written since."""
    return Swap(
        release=community.before,
        slot=_other(community.slot),
        from_release=community.release,
        from_slot=community.slot,
        data=community.snapshot if as_it_was else "",
        runs_as=_twin_of(community),
        from_runs_as=community.runs_as,
    )


def can_read_on(community: Community, running: Release) -> bool:
    """Whether the version that ran before can work with what the one that runs has written."""
    oldest = running.recipe.readable_by or running.version
    return version_key(version_of(community.before)) >= version_key(oldest)


def as_it_will_be(community: Community, swap: Swap) -> Community:
    """The same community with the new version in its other slot; a copy that no database knows."""
    changed = {
        "release": swap.release,
        "version": swap.version,
        "slot": swap.slot,
        "runs_as": swap.runs_as,
    }
    return Community(**{**community.model_dump(), **changed})


def is_carried_out(community: Community, swap: Swap) -> bool:
    """Whether the new version is the one that counts: from then on there is no way back but
    another swap."""
    return (community.release, community.slot) == (swap.release, swap.slot)


def _twin_of(community: Community) -> str:
    return "" if community.runs_as else TWIN


def _other(slot: str) -> str:
    return "b" if slot == "a" else "a"
