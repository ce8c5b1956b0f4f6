"""Keeping signatures fresh: the online ones by the sweep, the others while their keys are here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.errors import KeyRefused, PublishingUnfinished, WitnessesMissing
from provisioner.publishing.commit import commit, commit_timestamp
from provisioner.publishing.delegation import keys_of
from provisioner.publishing.keys import ONLINE
from provisioner.publishing.pending import find_proposal
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.settle import propose, resume_change
from provisioner.publishing.sign import is_near_expiry
from provisioner.publishing.unfinished import finish_logged


@dataclass(frozen=True)
class Renewal:
    """Which roles were signed again, and a sentence for each that is due but could not be."""

    renewed: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def refresh_online(publisher: Publisher, *, now: datetime) -> tuple[str, ...]:
    """Sign snapshot and timestamp again when half of their time is over. Returns which.

    Raises KeyMissing, ReleaseRejected when what is on the disk was not signed, Unavailable.
    """
    if not _due(publisher.read_state(), now, ONLINE):
        return ()
    with publisher.repository.locked():
        due = _due(publisher.read_state(), now, ONLINE)
        if "snapshot" in due:
            try:
                commit(publisher, finish_logged(publisher, now), [], now)
            except (WitnessesMissing, PublishingUnfinished):  # that must not end the whole list
                commit_timestamp(publisher, publisher.read_state(), now)
                raise
            return ONLINE
        state = publisher.read_state()
        if due:
            commit_timestamp(publisher, state, now)
        return due


def renew_signatures(publisher: Publisher, *, now: datetime) -> Renewal:
    """Sign every role again whose time is half over, as far as its keys are here.

    Also brings back a repository that has expired. Running it again changes nothing.
    """
    with publisher.repository.locked():
        held = _find_held(publisher, now)
        state = publisher.read_state()
        due = _due(state, now, [name for name, _, _ in state.each_role()])
        obstacles = {role: held.get(role) or _find_obstacle(publisher, state, role) for role in due}
        waiting = {role: why for role, why in obstacles.items() if why}
        ready = [role for role in due if role not in waiting]
        if "root" in ready:
            state = _renew_root(publisher, state, now)
        offline = [role for role in ready if role not in ("root", *ONLINE)]
        if offline or "snapshot" in ready:
            commit(publisher, state, offline, now)
        elif "timestamp" in ready:
            commit_timestamp(publisher, state, now)
        return Renewal(tuple(ready), tuple(dict.fromkeys(waiting.values())))


def _renew_root(publisher: Publisher, state: State, now: datetime) -> State:
    """A new version of the same root: its keys are the old and the new ones, so one set signs.

    It waits in the pending folder until the log has it; only then it is shown.
    """
    propose(publisher, {"root": state.root}, now)
    return publisher.read_state()


def _due(state: State, now: datetime, roles: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(
        role for role in roles if is_near_expiry(state.get_role(role)[0].signed.expires, role, now)
    )


def _find_held(publisher: Publisher, now: datetime) -> dict[str, str]:
    """Roles whose next version waits for signatures already, and the sentence that says so.

    The root among them whatever waits: it would have to wait in the same place.
    """
    sentence = resume_change(publisher, now)
    proposal = find_proposal(publisher)
    return dict.fromkeys((*proposal.roles, "root"), sentence) if proposal else {}


def _find_obstacle(publisher: Publisher, state: State, role: str) -> str:
    """Why a role cannot be signed here, or "" when it can."""
    metadata, delegator = state.get_role(role)
    try:
        publisher.ring.get_signers(role, delegator.get_delegated_role(role), keys_of(delegator))
    except KeyRefused as error:
        return f"{error.explain()} It ends on {metadata.signed.expires:%Y-%m-%d}."
    return ""
