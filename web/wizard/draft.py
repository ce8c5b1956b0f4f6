"""A Draft: what a founder has said so far. It lives in her own browser, signed by us.

The server keeps nothing of a person before she presses the last button. Each form carries the
draft, so that a lost cookie loses nothing; a cookie carries it too, so that going back and
reloading work.
"""

from __future__ import annotations

import secrets
from typing import Final

from flask import Response, current_app, request, session
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from provisioner.core.promises import plan_promises
from provisioner.models.community import Community
from provisioner.models.promise import Preset, Promises
from web.current import get_settings
from web.safety import KEPT_FOR

COOKIE: Final = "draft"
BROWSER: Final = "browser"  # in the session: a number for this browser, and nothing else
LARGEST_COOKIE: Final = 3_700  # browsers keep 4,096 bytes with name and attributes


class Draft(BaseModel):
    """`key` is secret: with the browser that it was started in, it makes one community."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(default_factory=lambda: secrets.token_urlsafe(16))
    name: str = ""
    label: str = ""
    preset: Preset | None = None
    promises: Promises | None = None
    founder: str = ""
    email: str = ""

    def choose(self, preset: Preset, country: str) -> Draft:
        """Take a preset's promises; choosing the same one again keeps what was changed."""
        if preset is self.preset and self.promises:
            return self
        kept = self.promises.country if self.promises else country
        promises = plan_promises(preset).model_copy(update={"country": kept})
        return self.model_copy(update={"preset": preset, "promises": promises})

    def say(self, **said: object) -> Draft:
        return self.model_copy(update=said)

    @classmethod
    def from_community(cls, community: Community) -> Draft:
        """Everything that was said, to be tried again as a new wish."""
        return cls(
            name=community.name,
            label=community.label,
            preset=Preset(community.preset),
            promises=community.promised,
            founder=community.founder,
            email=community.email,
        )


def wish_key(draft: Draft) -> str:
    """What makes one community of this draft in this browser, however often it is sent.

    The draft alone is not enough: a neighbour below our domain could put one of its own into a
    stranger's browser, but nothing into the session, whose cookie is this host's (`__Host-`).
    Every use keeps that cookie anew, so that it outlives the draft's and a browser's restart.
    """
    if BROWSER not in session:
        session[BROWSER] = secrets.token_urlsafe(16)
    session.permanent = True
    return f"wizard:{draft.key}:{session[BROWSER]}"


def new_draft_id() -> str:
    """Only tells tabs apart; knowing it gives nothing."""
    return secrets.token_urlsafe(6)


def seal_draft(draft: Draft) -> str:
    return _seal().dumps(draft.model_dump(mode="json", exclude_defaults=True) | {"key": draft.key})


def is_too_long(draft: Draft) -> bool:
    """Whether a browser would refuse to keep it."""
    return len(seal_draft(draft)) > LARGEST_COOKIE


def read_draft() -> Draft:
    """From the form, else from the cookie, else a new one."""
    for sealed in (request.form.get("so_far"), request.cookies.get(COOKIE)):
        if sealed and (draft := _find_draft(sealed)):
            return draft
    return Draft()


def keep_draft(response: Response, draft_id: str, draft: Draft) -> None:
    """For this tab's addresses only."""
    response.set_cookie(
        COOKIE,
        seal_draft(draft),
        path=f"/start/{draft_id}",
        max_age=KEPT_FOR,
        httponly=True,
        samesite="Lax",
        secure=not get_settings().is_local,
    )


def _find_draft(sealed: str) -> Draft | None:
    try:
        return Draft.model_validate(_seal().loads(sealed))
    except (BadSignature, ValidationError):
        return None


def _seal() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt="draft")
