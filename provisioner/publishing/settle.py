"""A change from its proposal to everybody's eyes: signed as far as keys are here, then published.

The proposal is kept in the pending folder until all is done, so whoever is killed in between, at
any file, is continued by the next command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata

from provisioner.errors import KeyMissing, KeyRefused, ReleaseRejected
from provisioner.publishing.changes import list_changes
from provisioner.publishing.commit import commit, make_visible, plan_version
from provisioner.publishing.delegation import keys_for
from provisioner.publishing.keys import ONLINE, KeyRing, label_of
from provisioner.publishing.pending import (
    drop_proposal,
    find_proposal,
    missing_signatures,
    remove_leftovers,
    write_proposal,
)
from provisioner.publishing.proposal import (
    Proposal,
    Waiting,
    keys_that_count,
    list_waiting,
    refuse_stale,
)
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.retire import put_keys_in_place, put_log_key_in_place
from provisioner.publishing.sign import find_signers, renew_and_sign


@dataclass(frozen=True)
class Ceremony:
    """What came of a change: published, unless signatures are `waiting`.

    `changes` says it in sentences. `is_earlier` means that it is a change which was begun before,
    and was finished instead of the one asked for.
    """

    roles: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    is_earlier: bool = False

    @property
    def is_published(self) -> bool:
        return not self.waiting


def propose(publisher: Publisher, changed: dict[str, Metadata[Any]], now: datetime) -> Ceremony:
    """Make the next version of each role, sign it with what is here, and publish it if that is
    enough. The caller holds the lock and found nothing waiting. Raises KeyRefused.
    """
    state, proposal = publisher.read_state(), Proposal(changed)
    logged = publisher.open_log(state.root.signed).list_entries()
    for role, metadata in changed.items():
        current = state.get_role(role)[0].signed.version
        following = current + 1 if role == "root" else plan_version(current, role, logged)
        metadata.signed.version = following
        signers = find_signers(publisher.ring, keys_that_count(state, proposal, role).values())
        renew_and_sign(metadata, role, signers, now)
    refuse_stale(state, proposal, now)
    write_proposal(publisher, proposal)
    return settle(publisher, state, proposal, now)


def list_unsigned(publisher: Publisher) -> list[Waiting]:
    """What a change that waits still needs here; nothing when none waits. Raises KeyRefused."""
    proposal = find_proposal(publisher)
    if proposal is None:
        return []
    return _list_needed(publisher, _read_base(publisher, proposal), proposal)


def settle(publisher: Publisher, state: State, proposal: Proposal, now: datetime) -> Ceremony:
    """Publish a proposal that has all signatures; else leave it and say what is missing."""
    refuse_stale(state, proposal, now)
    changes = tuple(list_changes(state, proposal))
    waiting = _list_needed(publisher, state, proposal)
    if not waiting:
        _publish(publisher, state, proposal, now)
    return Ceremony(tuple(proposal.roles), changes, tuple(waiting))


def finish_change(publisher: Publisher, now: datetime) -> Ceremony | None:
    """Go on with what waits, if anything does. The caller holds the lock."""
    remove_leftovers(publisher)
    proposal = find_proposal(publisher)
    if proposal is None:
        return None
    return settle(publisher, _read_base(publisher, proposal), proposal, now)


def finish_earlier(publisher: Publisher, now: datetime) -> Ceremony | None:
    """A ceremony that was begun before, finished instead of another one. The caller holds the lock.

    Raises SignaturesMissing while it waits.
    """
    begun = finish_change(publisher, now)
    if begun and begun.waiting:
        raise missing_signatures(publisher, begun.waiting)
    return replace(begun, is_earlier=True) if begun else None


def resume_change(publisher: Publisher, now: datetime) -> str:
    """Finish what was cut off, before anything else is done. Returns why something has to wait on
    (or ""), which stops nobody who changes other roles.
    """
    try:
        begun = finish_change(publisher, now)
    except KeyRefused as error:
        return error.explain()
    return " ".join(row.explain() for row in begun.waiting) if begun else ""


def commit_or_propose(publisher: Publisher, state: State, role: str, now: datetime) -> None:
    """Publish a changed role. When its keys are shared and too few are here, let it wait.

    Raises KeyMissing; SignaturesMissing when it waits.
    """
    try:
        commit(publisher, state, [role], now)
    except KeyMissing:
        metadata, delegator = state.get_role(role)
        if delegator.get_delegated_role(role).threshold < 2 or find_proposal(publisher):
            raise
        ceremony = propose(publisher, {role: metadata}, now)
        raise missing_signatures(publisher, ceremony.waiting) from None


def _publish(publisher: Publisher, state: State, proposal: Proposal, now: datetime) -> None:
    root = proposal.roles.get("root")
    signed = {role: metadata for role, metadata in proposal.roles.items() if role != "root"}
    make_visible(publisher, state, signed, now, root=root)
    after = (proposal.root_after(state).signed, proposal.targets_after(state).signed)
    put_log_key_in_place(publisher.ring, publisher.open_log(after[0]).key)
    put_keys_in_place(publisher.ring, after)
    drop_proposal(publisher)


def _read_base(publisher: Publisher, proposal: Proposal) -> State:
    """The state that a proposal follows.

    Where a key of an online role was lost, its old half cannot sign along, and a run that was
    killed just before the root leaves files which only the waiting root explains.
    """
    try:
        return publisher.read_state()
    except ReleaseRejected:
        if "root" not in proposal.roles:
            raise
        return publisher.read_state(following=proposal.roles["root"])


def _list_needed(publisher: Publisher, state: State, proposal: Proposal) -> list[Waiting]:
    return list_waiting(state, proposal) or _list_absent(publisher.ring, state, proposal)


def _list_absent(ring: KeyRing, state: State, proposal: Proposal) -> list[Waiting]:
    """Online roles that cannot be signed here: on a machine that only lends a signature."""
    root = proposal.root_after(state).signed
    found = []
    for role in ONLINE:
        absent = tuple(label_of(key) for key in keys_for(root, role) if not ring.has(key))
        count, needed = len(keys_for(root, role)) - len(absent), root.roles[role].threshold
        if count < needed:
            found.append(Waiting(role, count, needed, absent))
    return found
