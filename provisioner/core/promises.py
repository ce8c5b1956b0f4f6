"""Presets of promises, and the sentence that says each promise to a person."""

from __future__ import annotations

from provisioner.models.promise import (
    Adverts,
    Connections,
    Membership,
    Preset,
    Promises,
    Visibility,
)

FAMILY_RULES = "Be kind. What is shared here stays here. Ask before you share a photo of a child."
CLUB_RULES = "Be kind and fair. No selling. Keep to what our club is about."
PUBLIC_RULES = "Be kind. No hate, no threats, no spam. Owners may remove what breaks these rules."

PRESETS: dict[Preset, Promises] = {
    Preset.FAMILY: Promises(
        visibility=Visibility.HIDDEN, membership=Membership.INVITE, rules=FAMILY_RULES
    ),
    Preset.FRIENDS: Promises(
        visibility=Visibility.HIDDEN, membership=Membership.ASK, rules=FAMILY_RULES
    ),
    Preset.CLUB: Promises(visibility=Visibility.LINK, membership=Membership.ASK, rules=CLUB_RULES),
    Preset.PUBLIC: Promises(
        visibility=Visibility.PUBLIC, membership=Membership.OPEN, rules=PUBLIC_RULES
    ),
    Preset.SOLO: Promises(visibility=Visibility.HIDDEN, membership=Membership.INVITE),
}

PRESET_TITLES: dict[Preset, tuple[str, str]] = {
    Preset.FAMILY: ("Family", "Photos and news for the people you love."),
    Preset.FRIENDS: ("Friends", "A cosy place for a circle of friends."),
    Preset.CLUB: ("Club or neighbourhood", "People who share a street or a hobby."),
    Preset.PUBLIC: ("Open to everyone", "Anybody may read and join."),
    Preset.SOLO: ("Just me", "Your own corner. Nobody else gets in."),
}

SENTENCES: dict[str, dict[str, str]] = {
    "visibility": {
        Visibility.HIDDEN: "Nobody outside can even tell that it exists.",
        Visibility.LINK: "People who have the link see a front page. Search engines do not.",
        Visibility.PUBLIC: "Anybody can find it and read what is shared with everyone.",
    },
    "membership": {
        Membership.INVITE: "Only people you invite can join.",
        Membership.ASK: "People can ask to join. You say yes or no.",
        Membership.OPEN: "Anybody can join at once.",
    },
    "connections": {
        Connections.NONE: "It talks to no other community. It has no way out to the internet.",
        Connections.APPROVED: "It may talk to communities that you say yes to.",
        Connections.OPEN: "It may talk to any other community.",
    },
    "adverts": {
        Adverts.OFF: "There are no adverts, ever.",
        Adverts.APPROVED: "Only adverts you said yes to. What they earn is for the members.",
    },
}

QUESTIONS: dict[str, str] = {
    "visibility": "Who may see it?",
    "membership": "Who may join?",
    "connections": "Who may connect?",
    "adverts": "Adverts?",
}


def plan_promises(preset: Preset) -> Promises:
    """What this preset suggests; the founder may change every part of it."""
    return PRESETS[preset]


def describe_promises(promises: Promises) -> list[tuple[str, str]]:
    """Question and sentence of each chosen promise, in the order a person reads them."""
    return [(QUESTIONS[k], SENTENCES[k][getattr(promises, k)]) for k in QUESTIONS]


def needs_route_out(promises: Promises) -> bool:
    """“No connections” means an internal network without a route out."""
    return promises.connections is not Connections.NONE
