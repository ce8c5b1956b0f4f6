"""The page that tells how far it is; it renews itself where there is no JavaScript."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from provisioner.engine.progress import Progress, get_progress
from provisioner.errors import NotAllowed
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind
from web.current import get_context
from web.holding import find_held
from web.wizard.blueprint import blueprint
from web.wizard.draft import Draft, keep_draft, new_draft_id
from web.wizard.failing import explain_failure
from web.wizard.show import go_to_step


@blueprint.get("/making/<operation_id>")
def show_making(operation_id: str) -> BaseResponse:
    operation, community = get_held(operation_id)
    progress = get_progress(get_context(), operation_id)
    if not is_settled(operation, progress):
        page = render_template(
            "wizard/making.html", operation=operation, community=community, progress=progress
        )
        return make_response(page)
    if operation.kind == OperationKind.CREATE and progress.is_ready:
        return redirect(url_for("wizard.show_ready", operation_id=operation_id), 303)
    return _show_end(operation, community)


@blueprint.post("/making/<operation_id>/again")
def try_again(operation_id: str) -> Response:
    """A new wish with everything that was said; the failed one stays as it is."""
    _, community = get_held(operation_id)
    draft, draft_id = Draft.from_community(community), new_draft_id()
    response = go_to_step(draft_id, "you")
    keep_draft(response, draft_id, draft)
    return response


def get_held(operation_id: str) -> tuple[Operation, Community]:
    """Only for the browser that asked for it. Raises NotAllowed, also when there is none."""
    if find_held(url_for("wizard.show_making", operation_id=operation_id)) != operation_id:
        raise NotAllowed("this browser did not ask for it")
    store = get_context().store
    operation = store.get_operation(operation_id)
    return operation, store.get_community(operation.community_id)


def is_settled(operation: Operation, progress: Progress) -> bool:
    """Nothing more to wait for: a community opens before its first check is through."""
    return progress.is_over or (operation.kind == OperationKind.CREATE and progress.is_ready)


def _show_end(operation: Operation, community: Community) -> Response:
    if operation.error_code or operation.message:
        failure = explain_failure(operation)
        page = render_template(
            "wizard/failed.html", operation=operation, community=community, failure=failure
        )
    else:
        page = render_template("wizard/gone.html", community=community)
    return make_response(page)
