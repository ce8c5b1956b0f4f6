"""Promises: the rules a founder chose, and the presets that suggest them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Visibility(StrEnum):
    HIDDEN = "hidden"  # strangers get 404
    LINK = "link"  # who has the link sees a front page; no search index
    PUBLIC = "public"  # anybody may find and read it


class Membership(StrEnum):
    INVITE = "invite"
    ASK = "ask"
    OPEN = "open"


class Connections(StrEnum):
    NONE = "none"  # no route out
    APPROVED = "approved"
    OPEN = "open"


class Adverts(StrEnum):
    OFF = "off"
    APPROVED = "approved"  # only advertisers the owner approved


class Preset(StrEnum):
    FAMILY = "family"
    FRIENDS = "friends"
    CLUB = "club"
    PUBLIC = "public"
    SOLO = "solo"


class Promises(BaseModel):
    """What the founder promised her members. Kept by settings, tested by probes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    visibility: Visibility = Visibility.HIDDEN
    membership: Membership = Membership.INVITE
    connections: Connections = Connections.NONE
    adverts: Adverts = Adverts.OFF
    rules: str = Field("", max_length=4000)
    country: str = Field("", max_length=2, description="ISO 3166-1 alpha-2, or empty")
