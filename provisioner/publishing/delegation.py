"""Who may sign for a role: which keys, how many of them, and which may never come back. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Role, Root, Targets

from provisioner.errors import KeyRefused
from provisioner.publishing.keys import file_of, label_of, refuse_twins, value_of

RETIRED_FIELD = "x-taarafo-retired"  # in the delegator: public value -> file of its private half


def keys_of(delegator: Root | Targets) -> dict[str, Key]:
    """Public keys by id of all roles below a delegator."""
    if isinstance(delegator, Root):
        return delegator.keys
    return delegator.delegations.keys if delegator.delegations else {}


def keys_for(delegator: Root | Targets, role: str) -> list[Key]:
    """The keys of one role, in their order."""
    known = keys_of(delegator)
    keyids = delegator.get_delegated_role(role).keyids
    return [known[keyid] for keyid in keyids if keyid in known]


def list_retired(delegator: Root | Targets) -> dict[str, str]:
    """Public values that were taken out of use here, and the file each private half was in."""
    found = delegator.unrecognized_fields.get(RETIRED_FIELD)
    return dict(found) if isinstance(found, dict) else {}


def set_keys(delegator: Root | Targets, role: str, keys: Sequence[Key], threshold: int) -> None:
    """Let exactly these keys sign for a role; those it had besides are retired for good."""
    if not 1 <= threshold <= len(keys):
        reason = f"{role} would have {len(keys)} keys, and {threshold} of them would have to sign"
        raise KeyRefused(reason=reason)
    chosen, known = delegator.get_delegated_role(role), keys_of(delegator)
    kept = {key.keyid for key in keys}
    gone = [known.pop(keyid) for keyid in chosen.keyids if keyid not in kept]
    chosen.keyids[:] = [key.keyid for key in keys]
    chosen.threshold = threshold
    known.update({key.keyid: key for key in keys})
    if gone:
        retired = list_retired(delegator) | {value_of(key): file_of(key) for key in gone}
        delegator.unrecognized_fields[RETIRED_FIELD] = retired


def refuse_unfit(root: Root, targets: Targets) -> None:
    """One key may do one thing: refuse what is listed twice, and what was retired.

    Two keys with one file name are refused too, as only one of them could be found.
    """
    everyone = [*root.keys.values(), *keys_of(targets).values()]
    for keyid, key in [*root.keys.items(), *keys_of(targets).items()]:
        if keyid != key.keyid:
            raise KeyRefused(reason=f"{label_of(key)} is listed under the id of another key")
    refuse_twins(everyone)
    _refuse_other_ways(root, targets)
    listed = [key for delegator in (root, targets) for key in _each_use(delegator)]
    if twice := _find_repeated(value_of(key) for key in listed):
        name = next(label_of(key) for key in listed if value_of(key) == twice)
        raise KeyRefused(reason=f"{name} would sign for two roles")
    if twice := _find_repeated(file_of(key) for key in everyone if file_of(key)):
        raise KeyRefused(reason=f"two keys would be called {twice}")
    retired = list_retired(root) | list_retired(targets)
    for key in everyone:
        if value_of(key) in retired:
            reason = f"{label_of(key)} was taken out of use before and may not come back"
            raise KeyRefused(reason=reason)


def refuse_forgetting(was: Root | Targets, now: Root | Targets) -> None:
    """What was taken out of use stays on the list of that. Raises KeyRefused."""
    if gone := list_retired(was).keys() - list_retired(now).keys():
        names = ", ".join(sorted(list_retired(was)[value] for value in gone))
        raise KeyRefused(reason=f"{names} would not count as taken out of use any more")


def _refuse_other_ways(root: Root, targets: Targets) -> None:
    """Only what a person can read in a sentence: roles with paths, and each file under its hash."""
    if root.consistent_snapshot is not True:
        raise KeyRefused(reason="files would not be published under their hashes any more")
    if targets.delegations and targets.delegations.succinct_roles:
        raise KeyRefused(reason="roles would be delegated to by their number")
    for name, role in roles_of(targets).items():
        if isinstance(role, DelegatedRole) and (role.path_hash_prefixes or role.terminating):
            raise KeyRefused(reason=f"{name} would be delegated to in a way that is not used here")


def _each_use(delegator: Root | Targets) -> Iterable[Key]:
    for role in roles_of(delegator):
        yield from keys_for(delegator, role)


def roles_of(delegator: Root | Targets) -> dict[str, Role]:
    """The roles below a delegator, by name."""
    if isinstance(delegator, Root):
        return delegator.roles
    return dict(delegator.delegations.roles or {}) if delegator.delegations else {}


def _find_repeated(words: Iterable[str]) -> str:
    return next((word for word, count in Counter(words).items() if count > 1), "")
