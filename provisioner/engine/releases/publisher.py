"""The publisher of this control plane, with the witnesses of its log at hand."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.core.tlog.cosignature import add_cosignatures
from provisioner.core.tlog.policy import Policy, is_satisfied
from provisioner.engine.context import Context
from provisioner.errors import WitnessesMissing
from provisioner.ports import Witnesses
from provisioner.publishing.log import Cosign
from provisioner.publishing.publisher import Publisher


def open_publisher(context: Context) -> Publisher:
    return Publisher.of(context.settings, cosign=cosign_with(context.witnesses))


def cosign_with(witnesses: Witnesses) -> Cosign:
    """Asks those that the policy names. Raises WitnessesMissing when they are no quorum."""

    def cosign(
        checkpoint: bytes, policy: Policy, prove: Callable[[int], tuple[bytes, ...]]
    ) -> bytes:
        if not policy.witnesses:
            return checkpoint
        why: list[str] = []
        found = witnesses(checkpoint, policy, prove, say=why.append)
        if not is_satisfied(policy, set(found)):
            names = ", ".join(sorted(found)) or "nobody"
            raise WitnessesMissing(" ".join(sorted(why)), found=len(found), names=names)
        return add_cosignatures(checkpoint, found.values())

    return cosign
