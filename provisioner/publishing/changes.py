"""What a proposal changes, in sentences: nobody should sign what she has not read. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Role, Root, Signed, TargetFile, Targets

from provisioner.core.log_policy import FIELD, find_policy
from provisioner.core.tlog.note import write_vkey
from provisioner.publishing.delegation import RETIRED_FIELD, keys_for, roles_of
from provisioner.publishing.keys import label_of, value_of
from provisioner.publishing.proposal import Proposal
from provisioner.publishing.repository import State


def list_changes(state: State, proposal: Proposal) -> Iterator[str]:
    """One sentence for each key, threshold, path, target and floor that becomes another one."""
    for role, metadata in proposal.roles.items():
        was, now = state.get_role(role)[0].signed, metadata.signed
        yield f"{role} becomes version {now.version}, good until {now.expires:%Y-%m-%d}."
        yield from _compare_delegations(was, now)
        if was.unrecognized_fields.get(FIELD) != now.unrecognized_fields.get(FIELD):
            yield from _compare_policies(was.unrecognized_fields, now.unrecognized_fields)
        yield from _list_others(was, now)
        if isinstance(was, Targets) and isinstance(now, Targets):
            yield from _compare_targets(was.targets, now.targets)


def _compare_policies(was: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    old, new = find_policy(was), find_policy(now)
    if old.logs != new.logs:
        yield f"The public log signs with another key from now on: {write_vkey(new.logs[0].key)}."
    if replace(old, logs=new.logs) != new:
        lines = str(now.get(FIELD, "")).splitlines()
        yield f"The public log is watched by other witnesses: {'; '.join(lines)}."


def _compare_delegations(was: Root | Targets, now: Root | Targets) -> Iterator[str]:
    before, after = roles_of(was), roles_of(now)
    yield from (f"{role} may sign nothing any more." for role in before if role not in after)
    for role, chosen in after.items():
        old = keys_for(was, role) if role in before else []
        new = keys_for(now, role)
        yield from (f"{_name(key)} may sign {role} from now on." for key in _only_in(new, old))
        yield from (f"{_name(key)} may not sign {role} any more." for key in _only_in(old, new))
        if role not in before or before[role].threshold != chosen.threshold:
            yield f"{chosen.threshold} of the {len(new)} keys of {role} have to sign."
        if role not in before or _paths_of(before[role]) != _paths_of(chosen):
            yield f"{role} may sign for {', '.join(_paths_of(chosen))}."


def _compare_targets(was: Mapping[str, TargetFile], now: Mapping[str, TargetFile]) -> Iterator[str]:
    yield from (f"{path} is taken away." for path in was if path not in now)
    for path, entry in now.items():
        old = was.get(path)
        if old is None:
            yield f"{path} is new."
        elif (old.hashes, old.length) != (entry.hashes, entry.length):
            yield f"{path} is replaced by another file."
        elif old.unrecognized_fields != entry.unrecognized_fields:
            yield f"{path} is described anew: {entry.custom}."


def _only_in(these: list[Key], those: list[Key]) -> list[Key]:
    known = {(key.keyid, value_of(key)) for key in those}
    return [key for key in these if (key.keyid, value_of(key)) not in known]


def _list_others(was: Signed, now: Signed) -> Iterator[str]:
    """What no other sentence tells: the name of everything else that is signed and differs."""
    before, after = _rest_of(was), _rest_of(now)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"Something else changes: {name} becomes {json.dumps(after.get(name))}."


def _rest_of(signed: Signed) -> dict[str, object]:
    """Its fields without what the other sentences compare."""
    told = {"version", "expires", FIELD, RETIRED_FIELD, "keys", "roles", "targets", "delegations"}
    return {name: value for name, value in signed.to_dict().items() if name not in told} | {
        f"{role}.{name}": value
        for role, each in (roles_of(signed).items() if isinstance(signed, Root | Targets) else ())
        for name, value in each.to_dict().items()
        if name not in ("name", "keyids", "threshold", "paths")
    }


def _name(key: Key) -> str:
    return f"{label_of(key)} ({key.keyid[:12]})"


def _paths_of(role: Role) -> list[str]:
    return list(role.paths or ()) if isinstance(role, DelegatedRole) else []
