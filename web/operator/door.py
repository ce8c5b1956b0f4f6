"""The operator's blueprint and the door in front of it: a session, or the way to one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, redirect, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from provisioner.engine.operators import is_session_valid
from provisioner.errors import NotAllowed
from web.age import install_age
from web.current import get_context

blueprint = Blueprint("operator", __name__, url_prefix="/operator")
SESSION: Final = "operator"
LASTS: Final = timedelta(days=7)
OPEN_TO_ALL: Final = frozenset(
    {
        "operator.show_welcome",
        "operator.take_password",
        "operator.show_sign_in",
        "operator.sign_in_now",
    }
)


@blueprint.record
def install(state: BlueprintSetupState) -> None:
    install_age(state.app)


@blueprint.before_request
def ask_who_it_is() -> ResponseReturnValue | None:
    """Strangers are led to the sign-in page; what they wanted to change is refused."""
    if request.endpoint in OPEN_TO_ALL or is_signed_in():
        return None
    if request.method != "GET":
        raise NotAllowed("no operator session")
    return redirect(url_for("operator.show_sign_in", next=request.full_path.rstrip("?")), 303)


def is_signed_in() -> bool:
    """The cookie names an epoch; a changed password or a sign-out ends all older ones."""
    kept = session.get(SESSION)
    if not isinstance(kept, dict):
        return False
    context = get_context()
    if context.clock.now().timestamp() > kept.get("until", 0):
        return False
    return is_session_valid(context, kept.get("epoch", 0))


def let_in(epoch: int) -> None:
    """A new form token with it: one that a stranger planted before is worth nothing now."""
    session.pop("csrf_token", None)
    until = (get_context().clock.now() + LASTS).timestamp()
    session[SESSION] = {"epoch": epoch, "until": until}
    session.permanent = True


def let_out() -> None:
    session.pop(SESSION, None)
    session.pop("csrf_token", None)


def choose_next(wanted: str) -> str:
    """Back to the page she wanted, when it is one of ours."""
    inside = wanted.startswith("/operator") and "\\" not in wanted and "//" not in wanted
    return wanted if inside else url_for("operator.list_communities")
