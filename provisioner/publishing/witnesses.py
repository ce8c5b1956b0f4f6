"""Choose who has to have seen the log: the policy in the root, changed by the root's keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from provisioner.core.log_policy import FIELD
from provisioner.core.tlog.note import COSIGNATURE_V1, NoteKey, read_note
from provisioner.core.tlog.policy import (
    NONE,
    KnownWitness,
    Policy,
    WitnessGroup,
    count_witnesses,
    write_policy,
)
from provisioner.errors import KeyRefused, PublishingUnfinished
from provisioner.publishing.log import Log
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.settle import Ceremony, propose, resume_change

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
    policy = read_policy_of(publisher)
    others = tuple(each for each in policy.witnesses if each.name != name)
    return _change(publisher, policy, (*others, KnownWitness(name, key, url)), needed, now)


def remove_witness(publisher: Publisher, name: str, needed: int, *, now: datetime) -> Ceremony:
    """Let a witness count no more. Raises KeyRefused, WitnessesMissing."""
    policy = read_policy_of(publisher)
    others = tuple(each for each in policy.witnesses if each.name != name)
    if len(others) == len(policy.witnesses):
        raise KeyRefused(reason=f"there is no witness called {name}")
    return _change(publisher, policy, others, needed, now)


def refresh_cosignatures(publisher: Publisher, *, now: datetime) -> bool:
    """Have the log seen again when the last time is an hour ago. Raises WitnessesMissing.

    What somebody was stopped in publishing is not shown by this: PublishingUnfinished.
    """
    if not _is_due(_open_log(publisher), now):
        return False
    with publisher.repository.locked():
        log = _open_log(publisher)
        if not log.is_published:
            raise PublishingUnfinished
        log.publish(publisher.cosign)
        log.serve()
    return True


def _is_due(log: Log, now: datetime) -> bool:
    if not log.policy.witnesses or not (log.folder / "checkpoint").exists():
        return False
    note = read_note((log.folder / "checkpoint").read_bytes())
    newest = max(count_witnesses(note, log.policy).values(), default=0)
    return now - datetime.fromtimestamp(newest, UTC) >= REFRESH_AFTER


def _open_log(publisher: Publisher) -> Log:
    return publisher.open_log(publisher.read_state().root.signed)


def _change(
    publisher: Publisher,
    policy: Policy,
    witnesses: tuple[KnownWitness, ...],
    needed: int,
    now: datetime,
) -> Ceremony:
    """The witnesses are asked before anything is signed, so one that is away changes nothing."""
    changed = _plan(policy, witnesses, needed)
    with publisher.repository.locked():
        resume_change(publisher, now)
        state = publisher.read_state()
        log = publisher.open_log(state.root.signed)
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
