"""How often one visitor may do what is dear: make communities, try passwords."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, request
from flask_limiter import Limiter

View = TypeVar("View", bound=Callable[..., object])
MARK = "rate"


def limited(
    rate: str | Callable[[], str], methods: tuple[str, ...] = ("POST",)
) -> Callable[[View], View]:
    """Mark a view: at most so many POSTs from one visitor, like "10 per hour"."""

    def mark(view: View) -> View:
        setattr(view, MARK, (rate, methods))
        return view

    return mark


def install_limits(app: Flask) -> None:
    """Wrap every marked view; call it after the blueprints. There is one process, so it counts."""
    limiter = Limiter(find_visitor, app=app, storage_uri="memory://", strategy="moving-window")
    for endpoint, view in app.view_functions.items():
        if mark := getattr(view, MARK, None):
            rate, methods = mark
            guarded: Any = limiter.limit(rate, methods=list(methods))(view)
            app.view_functions[endpoint] = guarded


def find_visitor() -> str:
    """The address, or for IPv6 the network that one household has."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
