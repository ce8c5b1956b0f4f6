"""An operation as it happens: server-sent events, in short streams that end by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Final

from flask import Response, current_app, render_template, request, stream_with_context
from flask.blueprints import BlueprintSetupState

from provisioner.models.words import STEP_WORDS
from web.current import get_context
from web.operator.door import blueprint
from web.operator.operations import look

LOOK_EVERY: Final = 0.3  # seconds
SPEAK_EVERY: Final = 8.0  # seconds without news, so that a closed page is noticed
STREAM_FOR: Final = 25.0  # seconds; then the browser comes back by itself
MOST_STREAMS: Final = 6  # each holds a thread that others need too
STREAMS: Final = "taarafo-operator-streams"


@blueprint.record
def make_room(state: BlueprintSetupState) -> None:
    state.app.extensions[STREAMS] = BoundedSemaphore(MOST_STREAMS)


@blueprint.get("/operations/<operation_id>/events")
def stream_operation(operation_id: str) -> Response:
    """With every stream taken, one look and word to come back soon. Raises NotFound."""
    get_context().store.get_operation(operation_id)
    streams: BoundedSemaphore = current_app.extensions[STREAMS]
    has_room = streams.acquire(blocking=False)
    events = _tell(operation_id, _read_after(), STREAM_FOR if has_room else 0.0)
    response = Response(stream_with_context(events), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    if has_room:
        response.call_on_close(streams.release)
    return response


def _tell(operation_id: str, after: int, seconds: float) -> Iterator[str]:
    """Ends with `over`, or after so many seconds."""
    began = spoke = time.monotonic()
    steps = ""
    yield f"retry: {1000 if seconds else 3000}\n\n"
    while True:
        seen = look(operation_id, after)
        shown = render_template("operator/steps.html", seen=seen, words=STEP_WORDS)
        if shown != steps:
            steps, spoke = shown, time.monotonic()
            yield _write("steps", shown)
        if seen.log:
            after, spoke = seen.last_id(after), time.monotonic()
            yield f"id: {after}\n" + _write("log", render_template("operator/log.html", seen=seen))
        if seen.is_over:
            yield _write("over", "")
            return
        if time.monotonic() - spoke > SPEAK_EVERY:
            spoke = time.monotonic()
            yield ":\n\n"
        if time.monotonic() - began >= seconds:
            return
        time.sleep(LOOK_EVERY)


def _write(event: str, text: str) -> str:
    """Any line break that a log may hold would begin another field of the stream."""
    lines = text.replace("\r", " ").split("\n")
    return f"event: {event}\n" + "".join(f"data: {line}\n" for line in lines) + "\n"


def _read_after() -> int:
    """The last line that the browser has: from its first address, later from its header."""
    said = request.headers.get("Last-Event-ID", "") or request.args.get("after", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0
