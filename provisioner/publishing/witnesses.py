"""Choose who has to have seen the log: the policy in the root, changed by the root's keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from provisioner.core.log_policy import FIELD
from provisioner.core.tlog.note import COSIGNATURE_V1, NoteKey
from provisioner.core.tlog.policy import (
    NONE,
    KnownWitness,
    Policy,
    WitnessGroup,
    count_witnesses,
    write_policy,
)
from provisioner.errors import KeyRefused
from provisioner.publishing.commit import show_log
from provisioner.publishing.log import Log
from provisioner.publishing.pending import missing_signatures
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.settle import Ceremony, finish_change, propose
from provisioner.publishing.unfinished import finish_logged

GROUP = "quorum"
REFRESH_AFTER = timedelta(hours=1)


def read_policy_of(publisher: Publisher) -> Policy:
    return _open_log(publisher).policy


def add_witness(
    publisher: Publisher, name: str, key: NoteKey, url: str, needed: int, *, now: datetime
) -> Ceremony:
    """Let a witness count, and `needed` of all of them have to have seen the log.

    Raises KeyRefused, and WitnessesMissing when too few of them answer: then nothing changes.
    """
    if key.algorithm != COSIGNATURE_V1:
        raise KeyRefused(reason="that is not the key of a witness")

    def choose(known: tuple[KnownWitness, ...]) -> tuple[KnownWitness, ...]:
        return (*(each for each in known if each.name != name), KnownWitness(name, key, url))

    return _change(publisher, choose, needed, now)


def remove_witness(publisher: Publisher, name: str, needed: int, *, now: datetime) -> Ceremony:
    """Let a witness count no more. Raises KeyRefused, WitnessesMissing."""

    def choose(known: tuple[KnownWitness, ...]) -> tuple[KnownWitness, ...]:
        others = tuple(each for each in known if each.name != name)
        if len(others) == len(known):
            raise KeyRefused(reason=f"there is no witness called {name}")
        return others

    return _change(publisher, choose, needed, now)


def refresh_cosignatures(publisher: Publisher, *, now: datetime) -> bool:
    """Have the log seen again when the last time is an hour ago. Raises WitnessesMissing.

    What somebody was stopped in publishing is finished first; where that is not possible here,
    nothing is shown: PublishingUnfinished.
    """
    if not _is_due(_open_log(publisher), now):
        return False
    with publisher.repository.locked():
        state = finish_logged(publisher, now)
        publisher.open_log(state.root.signed).publish(publisher.cosign)
        show_log(publisher, state)
    return True


def _is_due(log: Log, now: datetime) -> bool:
    if not log.policy.witnesses or (note := log.read_served()) is None:
        return False
    newest = max(count_witnesses(note, log.policy).values(), default=0)
    return now - datetime.fromtimestamp(newest, UTC) >= REFRESH_AFTER


def _open_log(publisher: Publisher) -> Log:
    return publisher.open_log(publisher.read_state().root.signed)


def _change(
    publisher: Publisher,
    choose: Callable[[tuple[KnownWitness, ...]], tuple[KnownWitness, ...]],
    needed: int,
    now: datetime,
) -> Ceremony:
    """The witnesses are asked before anything is signed, so one that is away changes nothing.

    A change that was begun before is finished first; one that still waits stays as it is, and
    SignaturesMissing says so.
    """
    with publisher.repository.locked():
        begun = finish_change(publisher, now)
        if begun and begun.waiting:
            raise missing_signatures(publisher, begun.waiting)
        state = finish_logged(publisher, now)
        log = publisher.open_log(state.root.signed)
        changed = _plan(log.policy, choose(log.policy.witnesses), needed)
        replace(log, policy=changed).try_cosign(publisher.cosign)
        state.root.signed.unrecognized_fields[FIELD] = write_policy(changed)
        ceremony = propose(publisher, {"root": state.root}, now)
        if ceremony.is_published:
            log = publisher.open_log(publisher.read_state().root.signed)
            log.publish(publisher.cosign)
            log.serve()
        return ceremony


def _plan(policy: Policy, witnesses: tuple[KnownWitness, ...], needed: int) -> Policy:
    if not witnesses:
        return Policy(policy.logs, (), (), NONE)
    if not 1 <= needed <= len(witnesses):
        raise KeyRefused(reason=f"{needed} of {len(witnesses)} witnesses cannot be asked for")
    group = WitnessGroup(GROUP, needed, tuple(each.name for each in witnesses))
    try:
        return Policy(policy.logs, witnesses, (group,), GROUP)
    except ValueError as error:
        raise KeyRefused(str(error), reason=str(error)) from error
