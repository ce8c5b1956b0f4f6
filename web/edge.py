"""Believe the forwarding headers of our own edge, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix


class TrustOnlyTheEdge:
    """The edge reaches us over a Unix socket, where a peer has no address.

    A request from an address came around the edge: its headers could say anything.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._direct = app
        self._through_edge = ProxyFix(app, x_for=1, x_proto=1, x_host=0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = self._direct if environ.get("REMOTE_ADDR") else self._through_edge
        return chosen(environ, start_response)
