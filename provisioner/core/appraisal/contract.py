"""What one service of a release may have and be, and what the engine adds to every container.

The agent uses it to know what not to look into, the verifier to judge everything that the agent
saw. Both ask the same functions, so neither can be talked into a wider reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
_MADE_UP = PSEUDO | {"tmpfs"}
_ENGINE_FILES = ("hosts", "hostname", "resolv.conf")
_ENGINE_MADE = (
    FileEntry("/.dockerenv", "f", 0o755, 0, 0, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),  # noqa: E501
    FileEntry("/etc/mtab", "l", 0o777, 0, 0, 0, "/proc/mounts"),
)  # fmt: skip


EDGE_GROUP = 10002  # may use an app's socket
_APP_MOUNTS = {"/data": "what members wrote", "/run/edge": "the door to the edge"}


@dataclass(frozen=True)
class Contract:
    """What a release says of one service.

    `mounts` maps each path of the host's to whether it must be read-only; None stands for those
    of the app contract, with any secret. `choices` are the variables that the operator decides,
    with the values to choose from; where there are none, every value counts. `becomes` is what the
    command turns into, where its first program makes way for another.
    """

    command: tuple[str, ...] = ()
    becomes: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a path inside the container
    settings: tuple[str, ...] = ()
    mounts: Mapping[str, bool] | None = None
    secrets: tuple[str, ...] = ()
    user: int | None = None
    capabilities: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def explain(self, mount: MountSeen, container: str) -> str:
        """Why this mount may be there, in a few words; empty when it may not."""
        if mount.path in self.tmpfs and mount.kind == "tmpfs":
            return "temporary memory"
        if mount.path in self.settings and mount.read_only:
            return "a setting, hashed on its own"
        if why := self._explain_host(mount):
            return why
        if self._is_secret(mount):
            return "a secret"
        return "made by the engine" if _is_engines(mount, container) else ""

    def permits_group(self, group: int) -> bool:
        """Whether a process may be in it: an app in the edge's alone, any other not in root's."""
        if self.mounts is None:
            return group == EDGE_GROUP
        return group != 0 or self.user == 0

    def is_inside(self, mount: MountSeen) -> bool:
        """Whether it holds no file of a disk, and came along in a folder that may only be read."""
        tops = (f"{path}/" for path, only_read in (self.mounts or {}).items() if only_read)
        return mount.kind in _MADE_UP and mount.path.startswith(tuple(tops))

    def _explain_host(self, mount: MountSeen) -> str:
        if self.mounts is None:
            return _APP_MOUNTS.get(mount.path, "")
        if self.is_inside(mount):
            return "a part of what it may look at"
        only_read = self.mounts.get(mount.path)
        if only_read is None or (only_read and not mount.read_only):
            return ""
        return "what it may look at" if only_read else "where it may write"

    def _is_secret(self, mount: MountSeen) -> bool:
        name = mount.path.removeprefix("/run/secrets/")
        if name == mount.path or "/" in name or mount.kind != "tmpfs" or not mount.read_only:
            return False
        return self.mounts is None or name in self.secrets


def read_contract(service: Mapping[str, Any]) -> Contract:
    """Of one service in a release's JSON. Raises what a wrong form raises: KeyError and others."""
    mounts = service.get("mounts")
    return Contract(
        command=tuple(service.get("command", ())),
        becomes=tuple(service.get("becomes") or ()),
        tmpfs=tuple(service.get("tmpfs", ("/tmp",))),  # noqa: S108 - inside the container
        settings=tuple(service.get("configs", {}).values()),
        mounts=None if mounts is None else {m["path"]: bool(m["read_only"]) for m in mounts},
        secrets=tuple(service.get("secrets", ())),
        user=service.get("uid"),
        capabilities=tuple(service.get("capabilities", ())),
        environment=dict(service.get("environment", {})),
        choices={name: tuple(each) for name, each in service.get("choices", {}).items()},
    )


def judge_mounts(
    mounts: Iterable[MountSeen], contract: Contract, container: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """(permitted path → why, paths that are not). A second mount at one path is never permitted,
    but for what came along inside a folder of the host's.

    The first mount at `/` is the container's own root and is in neither.
    """
    permitted: dict[str, str] = {}
    refused: list[str] = []
    seen: set[str] = set()
    for mount in mounts:
        why = contract.explain(mount, container)
        if mount.path in seen and not contract.is_inside(mount):
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
