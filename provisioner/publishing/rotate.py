"""Key ceremonies: a key replaced, added or taken out, and how many of a role's keys must sign.

Each is one new version of whoever says which keys count (root, or targets for an app's role), and
of the role itself; see docs/decisions/changing-keys.md.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Key

from provisioner.errors import KeyRefused
from provisioner.files import remove_unfinished
from provisioner.publishing.delegation import keys_for, keys_of, refuse_unfit, set_keys
from provisioner.publishing.keys import NEXT, ONLINE, file_of, label_of, name_of, refuse_twins
from provisioner.publishing.public_key import read_public_key
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.settle import Ceremony, finish_earlier, propose

SHORTEST_ID = 6
Choice = tuple[list[Key], int]  # the keys a role will have, and how many of them must sign


def rotate_key(publisher: Publisher, role: str, number: int, *, now: datetime) -> Ceremony:
    """Replace the key in `<role>-<number>.pem` by a new one under the same name.

    The old file is kept beside it as `….retired`. Raises KeyRefused.
    """

    def choose(keys: list[Key], threshold: int) -> Choice:
        name = name_of(role, number)
        old = next((key for key in keys if file_of(key) == name), None)
        if old is None:
            raise KeyRefused(reason=f"{role} has no key called {name}")
        new = publisher.ring.ensure_next(role, number)
        if new.keyid == old.keyid:
            raise KeyRefused(reason=f"{name}{NEXT} and {name} are the same key")
        return [new if key is old else key for key in keys], threshold

    return _change(publisher, role, choose, now)


def add_key(publisher: Publisher, role: str, file: Path, *, now: datetime) -> Ceremony:
    """Let the holder of a public key sign too. Raises KeyRefused for one that is known already."""
    key = read_public_key(file)

    def choose(keys: list[Key], threshold: int) -> Choice:
        if key.keyid in {each.keyid for each in keys}:
            raise KeyRefused(reason=f"{label_of(key)} signs for {role} already")
        return [*keys, key], threshold

    return _change(publisher, role, choose, now, is_offline=True)


def remove_key(publisher: Publisher, role: str, keyid: str, *, now: datetime) -> Ceremony:
    """Take a key out of use for good. Of `keyid`, the first six characters are enough.

    Raises KeyRefused also when fewer keys than must sign would be left.
    """

    def choose(keys: list[Key], threshold: int) -> Choice:
        found = [key for key in keys if key.keyid.startswith(keyid.lower())]
        if len(found) != 1 or len(keyid) < SHORTEST_ID:
            raise KeyRefused(reason=f"{role} has no key with the id {keyid}")
        return [key for key in keys if key is not found[0]], threshold

    return _change(publisher, role, choose, now, is_offline=True)


def set_threshold(
    publisher: Publisher, role: str, threshold: int, *, now: datetime, count: int = 0
) -> Ceremony:
    """Ask for another number of signatures; with `count`, make keys here until there are so many.

    The same numbers again change nothing. Raises KeyRefused.
    """

    def choose(keys: list[Key], _: int) -> Choice:
        if count and count < len(keys):
            raise KeyRefused(reason=f"{role} has {len(keys)} keys; take one out by its id")
        if not 1 <= threshold <= max(count, len(keys)):
            reason = f"{threshold} of {max(count, len(keys))} keys of {role} cannot sign"
            raise KeyRefused(reason=reason)
        taken = {file_of(key) for key in keys}
        free = (n for n in range(1, count + len(keys) + 1) if name_of(role, n) not in taken)
        made = [publisher.ring.ensure_key(role, next(free)) for _ in range(count - len(keys))]
        return [*keys, *made], threshold

    return _change(publisher, role, choose, now, is_offline=True)


def _change(
    publisher: Publisher,
    role: str,
    choose: Callable[[list[Key], int], Choice],
    now: datetime,
    *,
    is_offline: bool = False,
) -> Ceremony:
    """One ceremony under the lock; one that was begun before is finished instead."""
    if is_offline and role in ONLINE:
        raise KeyRefused(reason=f"the worker signs {role} alone, with one key")
    with publisher.repository.locked():
        remove_unfinished(publisher.repository.folder)
        if begun := finish_earlier(publisher, now):
            return begun
        state = publisher.read_state()
        changed = _choose_keys(state, role, choose)
        if not changed:
            return Ceremony()
        return propose(publisher, {name: state.get_role(name)[0] for name in changed}, now)


def _choose_keys(
    state: State, role: str, choose: Callable[[list[Key], int], Choice]
) -> dict[str, None]:
    """Change who signs for a role. Returns the offline roles that become new by it, in order."""
    above = "root" if role in state.root.signed.roles else "targets"
    delegator = state.get_role(above)[0].signed
    if role not in {name for name, _, _ in state.each_role()}:
        names = ", ".join(name for name, _, _ in state.each_role())
        raise KeyRefused(reason=f"there is no role {role}; there are {names}")
    keys, threshold = keys_for(delegator, role), delegator.get_delegated_role(role).threshold
    chosen, needed = choose(keys, threshold)
    if (chosen, needed) == (keys, threshold):
        return {}
    refuse_twins(
        [*state.root.signed.keys.values(), *keys_of(state.targets.signed).values(), *chosen]
    )
    set_keys(delegator, role, chosen, needed)
    refuse_unfit(state.root.signed, state.targets.signed)
    return dict.fromkeys(name for name in (above, role) if name not in ONLINE)
