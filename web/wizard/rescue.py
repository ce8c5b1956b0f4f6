"""When a form meets trouble, the same form comes back with every word in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from flask import request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from provisioner.errors import BadInput, TaarafoError
from web.trouble import describe_trouble, show_trouble
from web.wizard.blueprint import blueprint
from web.wizard.draft import Draft, read_draft
from web.wizard.saying import Problem, read_founder, read_name, read_preset, read_promises
from web.wizard.show import render_step

READERS: dict[str, tuple[str, Callable[[Draft], Draft]]] = {
    "wizard.take_name": ("name", lambda draft: read_name(draft, request.form)),
    "wizard.take_preset": ("who", lambda draft: read_preset(draft, request.form, "")),
    "wizard.take_promises": ("promises", lambda draft: read_promises(draft, request.form)),
    "wizard.take_founder": ("you", lambda draft: read_founder(draft, request.form)),
}


@blueprint.errorhandler(CSRFError)
@blueprint.errorhandler(RateLimitExceeded)
@blueprint.errorhandler(TaarafoError)
def show_form_again(error: Exception) -> Response:
    """Other pages of the wizard get the ordinary page of trouble."""
    if request.endpoint not in READERS:
        return show_trouble(error)
    step, read = READERS[request.endpoint]
    draft, trouble = read_draft(), describe_trouble(error)
    with suppress(BadInput):  # it is shown as typed, and judged when it is sent again
        draft = read(draft)
    problem = Problem("", trouble.sentence, trouble.advice)
    if isinstance(error, CSRFError):
        problem = Problem(
            "",
            "This page was open for a while. All you typed is still here.",
            "Please press the button once more.",
        )
    return render_step(_get_draft_id(), step, draft, problem, trouble.status)


def _get_draft_id() -> str:
    return str((request.view_args or {})["draft_id"])
