"""Show a step, or go to the next one."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, request, url_for

from provisioner.core.promises import PRESET_TITLES, QUESTIONS, SENTENCES
from provisioner.models.operation import Operation
from provisioner.models.promise import Promises
from web.current import get_settings
from web.holding import grant
from web.wizard.countries import list_countries
from web.wizard.draft import Draft, seal_draft
from web.wizard.saying import Problem

STEPS = ("name", "who", "promises", "you")


def find_first_open(draft: Draft) -> str:
    """The first step without an answer; the last one when there is none."""
    if not (draft.name and draft.label):
        return "name"
    return "you" if draft.preset and draft.promises else "who"


def render_step(
    draft_id: str, step: str, draft: Draft, problem: Problem | None = None, status: int = 200
) -> Response:
    """`said` shows a refused answer exactly as it was typed."""
    kept = (draft.promises or Promises()).model_dump(mode="json")
    page = render_template(
        f"wizard/{step}.html",
        draft=draft,
        draft_id=draft_id,
        so_far=seal_draft(draft),
        problem=problem,
        said=kept | {name: request.form[name] for name in kept if name in request.form},
        ending=get_ending(),
        titles=PRESET_TITLES,
        questions=QUESTIONS,
        sentences=SENTENCES,
        countries=list_countries(),
    )
    return make_response(page, status)


def go_to_step(draft_id: str, step: str) -> Response:
    return make_response(redirect(url_for("wizard.show_step", draft_id=draft_id, step=step), 303))


def go_to_making(operation: Operation) -> Response:
    """To the page that tells how far it is; this browser may come back to it."""
    path = url_for("wizard.show_making", operation_id=operation.id)
    response = make_response(redirect(path, 303))
    grant(response, path, operation.id)
    return response


def get_ending() -> str:
    """What follows a label in an address: `.localhost:8080`."""
    return get_settings().address_of("")
