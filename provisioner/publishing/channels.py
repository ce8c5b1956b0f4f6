"""Channels of an app: opened when they are first needed, and one version means one thing in all."""

from __future__ import annotations

from datetime import datetime

from provisioner.errors import ReleaseExists
from provisioner.models.release import CHANNELS, STABLE, Release, release_target
from provisioner.publishing.create import create_publisher
from provisioner.publishing.listing import is_self_built, read_published
from provisioner.publishing.publisher import Publisher, role_of
from provisioner.publishing.repository import State


def open_channel(publisher: Publisher, app: str, channel: str, *, now: datetime) -> bool:
    """Delegate a channel to new keys of its own, as many as those of `stable`; False when it is.

    An app that has no `stable` gets none. Raises KeyMissing, SignaturesMissing and whatever else
    keeps a change of `targets` back.
    """
    state, stable = publisher.read_state(), role_of(app, STABLE)
    if stable not in state.roles or role_of(app, channel) in state.roles:
        return False
    own = is_self_built(state, stable)
    return create_publisher(publisher, now=now, apps=[(app, channel)], is_self_built=own)


def refuse_rival(publisher: Publisher, state: State, release: Release) -> None:
    """Raises ReleaseExists when another channel has this version with anything else in it."""
    for channel in CHANNELS:
        role = state.roles.get(role_of(release.name, channel))
        target = release_target(release.name, channel, release.version)
        if channel == release.channel or role is None or target not in role.signed.targets:
            continue
        other = read_published(publisher, role.signed.targets[target])
        if other.model_copy(update={"channel": release.channel}) != release:
            raise ReleaseExists(name=f"{release.name} {release.version} ({channel})")
