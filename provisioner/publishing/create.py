"""The key ceremony: keys, the first root and an empty repository, made once and repaired."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import datetime

from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    Role,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from provisioner.core.log_policy import FIELD, plan_policy
from provisioner.core.tlog.policy import write_policy
from provisioner.errors import KeyRefused, ReleaseRejected
from provisioner.files import remove_unfinished, write_atomically
from provisioner.models.release import EARLY, STABLE, cache_name
from provisioner.publishing.commit import commit, log_state
from provisioner.publishing.delegation import refuse_unfit
from provisioner.publishing.keys import LOG, KeyRing, refuse_twins
from provisioner.publishing.publisher import Publisher, paths_of, role_of
from provisioner.publishing.repository import State
from provisioner.publishing.settle import resume_change
from provisioner.publishing.sign import sign_role
from provisioner.publishing.unfinished import finish_logged

TOP_LEVEL = {"root": (3, 2), "targets": (3, 2), "snapshot": (1, 1), "timestamp": (1, 1)}
SELF_BUILT, SHARED = (1, 1), (3, 2)  # keys of a delegated role, and how many must sign
APPS = (("taarafo", STABLE), ("control", STABLE))
TRIED = (("taarafo", EARLY),)  # a list of releases from before it gets it with the next publishing


def create_publisher(
    publisher: Publisher,
    *,
    now: datetime,
    apps: Sequence[tuple[str, str]] = APPS,
    at_first: Sequence[tuple[str, str]] = TRIED,
    is_self_built: bool = True,
) -> bool:
    """Make keys, root and an empty repository; True when anything had to be made.

    A repository that begins gets `at_first` besides. Running it again changes nothing; run again
    after a crash, it finishes what was begun. Raises KeyMissing when a new app needs `targets` keys
    that were moved away.
    """
    with publisher.repository.locked():
        for folder in (
            publisher.repository.folder,
            publisher.ring.home,
            publisher.shipped_root.parent,
        ):
            remove_unfinished(folder)
        _ship_root(publisher, _begin_root(publisher, now))
        is_begun = publisher.repository.is_begun
        if is_begun:
            resume_change(publisher, now)
        state = finish_logged(publisher, now) if is_begun else _blank_state(publisher)
        wanted = apps if is_begun else (*apps, *at_first)
        added = [_add_channel(state, publisher.ring, app, is_self_built) for app in wanted]
        new = [role for role in added if role]
        if new or not is_begun:
            commit(publisher, state, [*new, "targets"], now)
        else:
            log_state(publisher, state)
        _give_online(publisher)
        return bool(new) or not is_begun


def _begin_root(publisher: Publisher, now: datetime) -> bytes:
    """The first root, made with all its keys unless it exists. Returns its bytes."""
    path = publisher.repository.metadata / "1.root.json"
    if not path.exists():
        if publisher.shipped_root.exists():
            reason = f"its first root is missing from {path.parent}; put your backup back"
            raise ReleaseRejected(reason=reason)
        root = Metadata(_plan_root(publisher.ring))
        sign_role(root, "root", root.signed, publisher.ring, now)
        publisher.repository.write_metadata("root", root)
    return path.read_bytes()


def _ship_root(publisher: Publisher, root: bytes) -> None:
    """Give verifiers their first root, once. Another publisher's is never replaced."""
    path = publisher.shipped_root
    if not path.exists():
        write_atomically(path, root)
    elif path.read_bytes() != root:
        raise KeyRefused(reason=f"{path} belongs to another publisher")


def _blank_state(publisher: Publisher) -> State:
    """A repository in which nothing was published yet (all versions zero)."""
    root = publisher.repository.read_newest_root(publisher.shipped_root.read_bytes())
    state = State(
        root,
        Metadata(Timestamp()),
        Metadata(Snapshot(meta={})),
        Metadata(Targets(delegations=Delegations({}, {}))),
        {},
    )
    for metadata in (state.timestamp, state.snapshot, state.targets):
        metadata.signed.version = 0
    return state


def _add_channel(
    state: State, ring: KeyRing, app: tuple[str, str], is_self_built: bool
) -> str | None:
    """Delegate one app's channel to new keys of its own. Returns its role if it is new."""
    name, paths = role_of(*app), paths_of(*app)
    delegations = state.targets.signed.delegations
    if delegations is None or delegations.roles is None:
        raise ReleaseRejected(reason="its top-level targets delegate to nobody")
    if name in delegations.roles:
        if delegations.roles[name].paths != paths:
            raise KeyRefused(reason=f"the name {name} is already used for another app or channel")
        return None
    count, threshold = SELF_BUILT if is_self_built else SHARED
    keys = [ring.ensure_key(name, number) for number in range(1, count + 1)]
    refuse_twins([*state.root.signed.keys.values(), *delegations.keys.values(), *keys])
    delegations.roles[name] = DelegatedRole(
        name, [key.keyid for key in keys], threshold, terminating=False, paths=paths
    )
    delegations.keys.update({key.keyid: key for key in keys})
    refuse_unfit(state.root.signed, state.targets.signed)
    state.roles[name] = Metadata(Targets())
    state.roles[name].signed.version = 0
    return name


def _plan_root(ring: KeyRing) -> Root:
    """Root metadata for keys that are made here. Raises KeyRefused for copies."""
    keys = {
        role: [ring.ensure_key(role, number) for number in range(1, count + 1)]
        for role, (count, _) in TOP_LEVEL.items()
    }
    everyone = [key for group in keys.values() for key in group]
    refuse_twins(everyone)
    roles = {
        role: Role([key.keyid for key in keys[role]], threshold)
        for role, (_, threshold) in TOP_LEVEL.items()
    }
    root = Root(keys={key.keyid: key for key in everyone}, roles=roles, consistent_snapshot=True)
    put_policy(root, ring)
    return root


def put_policy(root: Root, ring: KeyRing) -> None:
    """Name the publisher's own log in its root; the caller signs."""
    public = ring.ensure_private(LOG, 1).public_key().public_bytes_raw()
    root.unrecognized_fields[FIELD] = write_policy(plan_policy(public))


def _give_online(publisher: Publisher) -> None:
    """Let the worker replace the online metadata and keep a cache, when root makes the folders."""
    uid = publisher.ring.online_uid
    if uid is None or os.geteuid() != 0:
        return
    cache = publisher.shipped_root.parent / cache_name(uid)
    cache.mkdir(exist_ok=True)
    log = publisher.repository.folder / "log"
    for path in (publisher.repository.metadata, log, cache, log / "proof", *log.glob("proof/*")):
        if path.exists():
            shutil.chown(path, uid, uid)
