"""/check/verifier.html: the verifier to take home."""

from __future__ import annotations

from flask import Response

from web.check.blueprint import blueprint
from web.check.verifier import write_policy, write_verifier
from web.current import get_context


@blueprint.get("/verifier.html")
def give_verifier() -> Response:
    """A download. Who opens it from here all the same gets the same strict policy."""
    response = Response(write_verifier(get_context().read_root()), mimetype="text/html")
    response.headers["Content-Disposition"] = 'attachment; filename="taarafo-verifier.html"'
    response.headers["Content-Security-Policy"] = f"{write_policy()}; frame-ancestors 'none'"
    return response
