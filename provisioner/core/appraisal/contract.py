"""What may be mounted into a container under the app contract, and what the engine adds.

The agent uses it to know what not to look into, the verifier to judge every mount that the
agent saw. Both ask the same function, so neither can be talked into a wider reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.models.evidence import MountSeen
from provisioner.models.manifest import FileEntry

# Kinds of file system that the kernel makes up: they hold no code and some never end.
PSEUDO = frozenset(
    ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "devtmpfs", "debugfs", "tracefs",
     "securityfs", "pstore", "bpf", "configfs", "fusectl", "hugetlbfs", "binfmt_misc", "nsfs",
     "rpc_pipefs", "autofs", "efivarfs")
)  # fmt: skip
_ENGINE_KINDS = {
    "/proc": {"proc"},
    "/dev": {"tmpfs"},
    "/dev/pts": {"devpts"},
    "/dev/mqueue": {"mqueue"},
    "/dev/shm": {"tmpfs"},  # noqa: S108 - a path inside the container
    "/dev/console": {"devpts"},
    "/sys": {"sysfs"},
}
_ENGINE_BELOW = {
    "/proc/": PSEUDO | {"tmpfs"},
    "/sys/": PSEUDO | {"tmpfs"},
}
_ENGINE_FILES = ("hosts", "hostname", "resolv.conf")
_ENGINE_MADE = (
    FileEntry("/.dockerenv", "f", 0o755, 0, 0, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),  # noqa: E501
    FileEntry("/etc/mtab", "l", 0o777, 0, 0, 0, "/proc/mounts"),
)  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """What one recipe adds to what every recipe may have: temporary folders and config files."""

    tmpfs: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a path inside the container
    settings: tuple[str, ...] = ()

    def explain(self, mount: MountSeen, container: str) -> str:
        """Why this mount may be there, in a few words; empty when it may not."""
        if mount.path in self.tmpfs and mount.kind == "tmpfs":
            return "temporary memory"
        if mount.path in self.settings and mount.read_only:
            return "a setting, hashed on its own"
        if mount.path == "/data":
            return "what members wrote"
        if mount.path == "/run/edge":
            return "the door to the edge"
        if _is_secret(mount):
            return "a secret"
        return "made by the engine" if _is_engines(mount, container) else ""


def judge_mounts(
    mounts: Iterable[MountSeen], contract: Contract, container: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """(permitted path → why, paths that are not). A second mount at one path is never permitted.

    The first mount at `/` is the container's own root and is in neither.
    """
    permitted: dict[str, str] = {}
    refused: list[str] = []
    seen: set[str] = set()
    for mount in mounts:
        why = contract.explain(mount, container)
        if mount.path in seen:
            permitted.pop(mount.path, None)
            refused.append(mount.path)
        elif why:
            permitted[mount.path] = why
        elif mount.path != "/":
            refused.append(mount.path)
        seen.add(mount.path)
    return permitted, tuple(dict.fromkeys(refused))


def engine_made_lines(permitted: Iterable[str]) -> frozenset[bytes]:
    """Manifest lines that the engine itself adds to every container.

    Those are two fixed entries and the folders that lead to a permitted mount.
    """
    parents = {parent for path in permitted for parent in _parents(path)}
    folders = (FileEntry(path, "d", 0o755, 0, 0, 0, "") for path in parents)
    return frozenset(entry.line() for entry in (*_ENGINE_MADE, *folders))


def is_made_from(reference: str, image_id: str, digests: Iterable[str]) -> bool:
    """Whether a container with this image reference and id was made from the image.

    `digests` are the image's manifest and config digest; which of them is the id depends on
    how the engine stores images.
    """
    return any(image_id == each or reference.endswith("@" + each) for each in digests)


def _is_secret(mount: MountSeen) -> bool:
    name = mount.path.removeprefix("/run/secrets/")
    return name != mount.path and "/" not in name and mount.kind == "tmpfs" and mount.read_only


def _is_engines(mount: MountSeen, container: str) -> bool:
    if mount.kind in _ENGINE_KINDS.get(mount.path, ()):
        return True
    if any(mount.path.startswith(top) and mount.kind in k for top, k in _ENGINE_BELOW.items()):
        return True
    name = mount.path.removeprefix("/etc/")
    return name in _ENGINE_FILES and mount.source.endswith(f"/{container}/{name}")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts))]
