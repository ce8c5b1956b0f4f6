"""The same progress as server-sent events: only news, in short streams that end by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Final

from flask import Response, current_app, render_template, stream_with_context, url_for
from flask.blueprints import BlueprintSetupState

from provisioner.engine.progress import get_progress
from provisioner.models.community import Community
from provisioner.models.operation import Operation
from web.current import get_context
from web.wizard.blueprint import blueprint
from web.wizard.making import get_held, is_settled

LOOK_EVERY: Final = 0.3  # seconds
SPEAK_EVERY: Final = 8.0  # seconds without news, so that a closed page is noticed
STREAM_FOR: Final = 25.0  # seconds; then the browser comes back by itself
MOST_STREAMS: Final = 20  # each holds a thread; the others are for everybody else
STREAMS: Final = "taarafo-streams"


@blueprint.record_once
def make_room(state: BlueprintSetupState) -> None:
    state.app.extensions[STREAMS] = BoundedSemaphore(MOST_STREAMS)


@blueprint.get("/making/<operation_id>/events")
def stream_progress(operation_id: str) -> Response:
    """With every stream taken, one answer that tells the browser to ask again soon."""
    operation, community = get_held(operation_id)
    streams: BoundedSemaphore = current_app.extensions[STREAMS]
    has_room = streams.acquire(blocking=False)
    seconds = STREAM_FOR if has_room else 0.0
    response = Response(
        stream_with_context(_tell(operation, community, seconds)), mimetype="text/event-stream"
    )
    response.headers["Cache-Control"] = "no-store"
    if has_room:
        response.call_on_close(streams.release)
    return response


def _tell(operation: Operation, community: Community, seconds: float) -> Iterator[str]:
    """Ends with `over`, or after so many seconds."""
    began = spoke = time.monotonic()
    last = ""
    yield f"retry: {1000 if seconds else 3000}\n\n"
    while True:
        progress = get_progress(get_context(), operation.id)
        if is_settled(operation, progress):
            address = url_for("wizard.show_making", operation_id=operation.id)
            yield _write_event("over", address)
            return
        page = render_template("wizard/progress.html", progress=progress, community=community)
        if page != last:
            last, spoke = page, time.monotonic()
            yield (
                "event: progress\n" + "".join(f"data: {line}\n" for line in page.split("\n")) + "\n"
            )
        elif time.monotonic() - spoke > SPEAK_EVERY:
            spoke = time.monotonic()
            yield ":\n\n"
        if time.monotonic() - began >= seconds:
            return
        time.sleep(LOOK_EVERY)


def _write_event(name: str, text: str) -> str:
    """WHATWG HTML §9.2.6: one `data` line for each line, then an empty one."""
    return f"event: {name}\n" + "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
