"""The three questions. Each step is a real address; what was said travels in the Draft."""

from __future__ import annotations

from collections.abc import Callable

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from provisioner.engine.create import request_community
from provisioner.errors import BadInput
from provisioner.models.operation import Operation
from provisioner.models.promise import Preset, Promises
from web.current import get_context, get_settings
from web.holding import grant
from web.limits import limited
from web.wizard.blueprint import blueprint
from web.wizard.countries import guess_country
from web.wizard.draft import Draft, keep_draft, new_draft_id, read_draft, wish_key
from web.wizard.saying import (
    Problem,
    judge_name_step,
    read_founder,
    read_name,
    read_preset,
    read_promises,
    suggest_address,
)
from web.wizard.show import STEPS, find_first_open, go_to_making, go_to_step, render_step

# New communities of one visitor. In local mode nobody but this machine's own people can come.
CREATE_RATES = {"local": "600 per hour", "domain": "12 per hour"}


def get_create_rate() -> str:
    return CREATE_RATES["local" if get_settings().is_local else "domain"]


@blueprint.get("/")
def show_home() -> str:
    return render_template("wizard/home.html")


@blueprint.get("/start")
def begin() -> Response:
    return go_to_step(new_draft_id(), "name")


@blueprint.get("/start/<draft_id>/<any(name, who, promises, you):step>")
def show_step(draft_id: str, step: str) -> Response:
    draft = read_draft()
    if earlier := get_context().store.find_by_key(wish_key(draft)):
        return _show_made(earlier[1])
    first = find_first_open(draft)
    if STEPS.index(step) > STEPS.index(first):
        return go_to_step(draft_id, first)
    return render_step(draft_id, step, draft)


@blueprint.post("/start/<draft_id>/name")
def take_name(draft_id: str) -> Response:
    draft = read_name(read_draft(), request.form)
    is_taken = get_context().store.is_taken
    if "look" in request.form:
        return render_step(draft_id, "name", suggest_address(draft, is_taken))
    return _advance(draft_id, "name", draft, lambda: judge_name_step(draft, is_taken))


@blueprint.post("/start/<draft_id>/who")
def take_preset(draft_id: str) -> Response:
    draft, country = read_draft(), guess_country(list(request.accept_languages.values()))
    return _advance(draft_id, "who", draft, lambda: read_preset(draft, request.form, country))


@blueprint.post("/start/<draft_id>/promises")
def take_promises(draft_id: str) -> Response:
    draft = read_draft()
    return _advance(draft_id, "promises", draft, lambda: read_promises(draft, request.form))


@blueprint.post("/start/<draft_id>/you")
@limited(get_create_rate)
def take_founder(draft_id: str) -> Response:
    """Make it. The draft's key makes one community, however often this is sent."""
    draft = read_founder(read_draft(), request.form)
    if draft.preset is None or draft.promises is None or not draft.name:
        return go_to_step(draft_id, find_first_open(draft))
    try:
        operation = _request(draft, draft.preset, draft.promises)
    except BadInput as error:
        return render_step(draft_id, "you", draft, Problem.of(error), 422)
    response = go_to_making(operation)
    keep_draft(response, draft_id, draft)
    return response


def _request(draft: Draft, preset: Preset, promises: Promises) -> Operation:
    return request_community(
        get_context(),
        name=draft.name,
        label=draft.label,
        preset=preset,
        promises=promises,
        founder=draft.founder,
        email=draft.email,
        requested_by="wizard",
        idempotency_key=wish_key(draft),
    )[1]


def _advance(draft_id: str, step: str, typed: Draft, judge: Callable[[], Draft]) -> Response:
    """To the next step with a good answer; the same step again, with a sentence, otherwise."""
    if earlier := get_context().store.find_by_key(wish_key(typed)):
        return go_to_making(earlier[1])
    try:
        draft = judge()
    except BadInput as error:
        return render_step(draft_id, step, typed, Problem.of(error), 422)
    response = go_to_step(draft_id, STEPS[STEPS.index(step) + 1])
    keep_draft(response, draft_id, draft)
    return response


def _show_made(operation: Operation) -> Response:
    """For the back button after the last step: nothing is made twice."""
    path = url_for("wizard.show_making", operation_id=operation.id)
    response = make_response(render_template("wizard/made.html", path=path))
    grant(response, path, operation.id)
    return response
