"""The next metadata of some roles, and whose signatures it still needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, Targets

from provisioner.errors import KeyRefused
from provisioner.publishing.delegation import keys_for, refuse_forgetting, refuse_unfit
from provisioner.publishing.keys import label_of
from provisioner.publishing.repository import State

_REMOVE = "remove the folder `pending` beside the keys and begin it again"


# Versions that were logged and then never published, because the publisher was stopped there.
MOST_SKIPPED = 3


@dataclass(frozen=True)
class Proposal:
    """Metadata by role, one version after what is published. Never of an online role: those are
    signed when the rest is complete."""

    roles: dict[str, Metadata[Any]]

    def root_after(self, state: State) -> Metadata[Root]:
        return self.roles.get("root", state.root)

    def targets_after(self, state: State) -> Metadata[Targets]:
        return self.roles.get("targets", state.targets)


@dataclass(frozen=True)
class Waiting:
    """A role that fewer than needed have signed, and the key files of those who have not."""

    role: str
    found: int
    needed: int
    missing: tuple[str, ...]

    def explain(self) -> str:
        """`root: 1 of 2 have signed. Not yet: root-2.pem, root-3.pem.`"""
        return (
            f"{self.role}: {self.found} of {self.needed} have signed. "
            f"Not yet: {', '.join(self.missing)}."
        )


def list_waiting(state: State, proposal: Proposal) -> list[Waiting]:
    """Every threshold that is not reached; a root needs the old one and the new one (TUF 6.1)."""
    found: list[Waiting] = []
    for role, metadata in proposal.roles.items():
        for judge in _judges_of(state, proposal, role):
            result = judge.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
            if not result:
                missing = tuple(label_of(key) for key in result.unsigned.values())
                found.append(Waiting(role, len(result.signed), result.threshold, missing))
    return list(dict.fromkeys(found))


def keys_that_count(state: State, proposal: Proposal, role: str) -> dict[str, Key]:
    """By id, who may sign for a role before and after the change."""
    delegators = [state.get_role(role)[1], *_judges_of(state, proposal, role)]
    return {key.keyid: key for delegator in delegators for key in keys_for(delegator, role)}


def refuse_stale(state: State, proposal: Proposal, now: datetime) -> None:
    """A proposal must follow what is published now, and may not have run out. Raises KeyRefused."""
    for role, metadata in proposal.roles.items():
        current = _get_current(state, role)
        skipped = metadata.signed.version - current.signed.version - 1
        is_next = 0 <= skipped <= (0 if role == "root" else MOST_SKIPPED)
        if not is_next and metadata.to_bytes() != current.to_bytes():
            raise KeyRefused(reason=f"the waiting change of {role} is not the next one; {_REMOVE}")
        if isinstance(metadata.signed, Root | Targets):
            refuse_forgetting(current.signed, metadata.signed)
        if metadata.signed.is_expired(now):
            raise KeyRefused(reason=f"the waiting change of {role} has run out; {_REMOVE}")
    refuse_unfit(proposal.root_after(state).signed, proposal.targets_after(state).signed)


def _get_current(state: State, role: str) -> Metadata[Any]:
    try:
        return state.get_role(role)[0]
    except KeyError:
        raise KeyRefused(reason=f"a change waits of {role}, which is not there") from None


def _judges_of(state: State, proposal: Proposal, role: str) -> Iterator[Root | Targets]:
    """Who decides whether enough have signed; all of them have to agree."""
    if role == Root.type:
        yield state.root.signed
    if role in state.root.signed.roles:
        yield proposal.root_after(state).signed
    else:
        yield proposal.targets_after(state).signed
