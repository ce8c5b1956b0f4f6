"""The order of versions: `1.9.0` comes before `1.10.0`."""

from __future__ import annotations

from collections.abc import Iterable


def version_key(version: str) -> tuple[int, ...]:
    """`1.10.0` → `(1, 10, 0)`. Raises ValueError for anything but numbers and dots."""
    return tuple(int(part) for part in version.split("."))


def version_of(target: str) -> str:
    """`app/taarafo/stable/1.0.0/release.json` → `1.0.0`; "" for what is no such path."""
    parts = target.split("/")
    return parts[3] if len(parts) == 5 else ""


def channel_of(target: str) -> str:
    """`app/taarafo/early/1.0.0/release.json` → `early`; "" for what is no such path."""
    parts = target.split("/")
    return parts[2] if len(parts) == 5 else ""


def sort_versions(versions: Iterable[str]) -> list[str]:
    """Oldest first."""
    return sorted(versions, key=version_key)


def plan_version(wanted: str, newest: str) -> str:
    """The version to publish next: `wanted` if that is newer, or the one after `newest`."""
    if version_key(wanted) > version_key(newest):
        return wanted
    *above, last = version_key(newest)
    return ".".join(str(part) for part in (*above, last + 1))
