"""Which published version a community can go to from the one it runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from provisioner.core.versions import sort_versions, version_key
from provisioner.models.release import Release


def judge_step(running: str, release: Release, *, is_foreign: bool = False) -> str:
    """Why nobody who runs `running` can go straight to this release; empty when she can.

    `is_foreign`: what runs is of another channel, so the same version of this one comes next.
    """
    is_same = is_foreign and version_key(release.version) == version_key(running)
    if version_key(release.version) <= version_key(running) and not is_same:
        return f"Version {release.version} is not newer than {running}, which runs."
    oldest = release.recipe.upgrade_from
    if version_key(running) < version_key(oldest):
        return f"Version {release.version} takes over from {oldest} or newer; {running} runs."
    return ""


def find_step(
    running: str,
    versions: Iterable[str],
    get: Callable[[str], Release],
    *,
    is_foreign: bool = False,
) -> Release | None:
    """The newest that can be reached at once; the next step goes on from there."""
    for version in reversed(sort_versions(versions)):
        if version_key(version) < version_key(running):
            return None
        if not judge_step(running, release := get(version), is_foreign=is_foreign):
            return release
    return None
