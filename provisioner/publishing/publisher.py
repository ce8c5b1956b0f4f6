"""A publisher: its keys, its public repository and the root that verifiers ship with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import Metadata, Root

from provisioner.core.log_policy import find_policy
from provisioner.core.tlog.policy import Policy, is_satisfied
from provisioner.errors import ReleaseRejected, WitnessesMissing
from provisioner.publishing.keys import LOG, KeyRing, file_of
from provisioner.publishing.log import Cosign, Log
from provisioner.publishing.repository import Repository, State
from provisioner.settings import Settings

CONTROL_UID = 10001  # the worker, which signs with the online keys


def without_witnesses(
    checkpoint: bytes, policy: Policy, prove: Callable[[int], tuple[bytes, ...]]
) -> bytes:
    """For a policy that asks for none. Raises WitnessesMissing for any other."""
    if not is_satisfied(policy, set()):
        raise WitnessesMissing(found=0, names="nobody was asked")
    return checkpoint


@dataclass(frozen=True)
class Publisher:
    """Where everything of one publisher is."""

    ring: KeyRing
    repository: Repository
    shipped_root: Path
    cosign: Cosign = without_witnesses

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        more_keys: Sequence[Path] = (),
        cosign: Cosign = without_witnesses,
    ) -> Publisher:
        """`more_keys` are further folders to look for keys in, such as a memory stick."""
        ring = KeyRing((settings.publisher_dir / "keys", *more_keys), CONTROL_UID)
        return cls(
            ring, Repository(settings.repository_dir), settings.trust_dir / "root.json", cosign
        )

    def open_log(self, root: Root) -> Log:
        """The log that a root names, with its keys that are here. Raises ReleaseRejected."""
        try:
            policy = find_policy(root.unrecognized_fields)
        except ValueError as error:
            raise ReleaseRejected(str(error), reason=str(error)) from error
        privates = self.ring.list_privates(LOG, 1)
        return Log(self.repository.folder / "log", policy, privates)

    @property
    def pending(self) -> Path:
        """Where a change waits for signatures: private, beside the keys."""
        return self.ring.home.parent / "pending"

    def read_state(self, *, following: Metadata[Root] | None = None) -> State:
        """What is published now, verified. `following` is a root that is not written yet.

        Raises ReleaseRejected.
        """
        try:
            shipped = self.shipped_root.read_bytes()
        except OSError as error:
            reason = f"the root of trust {self.shipped_root} cannot be read"
            raise ReleaseRejected(str(error), reason=reason) from error
        return self.repository.read_state(shipped, following)


def role_of(recipe: str, channel: str) -> str:
    """Name of the delegated role that signs one app's channel."""
    return f"app-{recipe}-{channel}"


def paths_of(recipe: str, channel: str) -> list[str]:
    """What that role may sign for: its releases, and the file manifests they point to."""
    return [f"app/{recipe}/{channel}/*/*", "files/*"]


@dataclass(frozen=True)
class KeyFact:
    """One key of one role: its file, whether that is here, and when the role's signatures end."""

    role: str
    file: str
    keyid: str
    is_here: bool
    threshold: int
    expires: str  # UTC, ISO 8601


def list_keys(publisher: Publisher) -> list[KeyFact]:
    """Every key that may sign, role by role. Raises ReleaseRejected."""
    return [
        KeyFact(
            role=name,
            file=file_of(delegator.get_key(keyid)),
            keyid=keyid,
            is_here=publisher.ring.has(delegator.get_key(keyid)),
            threshold=role.threshold,
            expires=metadata.signed.expires.isoformat(),
        )
        for name, metadata, delegator in publisher.read_state().each_role()
        for role in [delegator.get_delegated_role(name)]
        for keyid in role.keyids
    ]
