"""Addresses of our own static files that change when the file does, so they may be kept long."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, url_for

A_YEAR_IN_SECONDS = 31_536_000
STATIC = Path(__file__).parent / "static"


def install_assets(app: Flask) -> None:
    """Offers `asset(name)` to every page."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = A_YEAR_IN_SECONDS
    app.jinja_env.globals["asset"] = find_asset


def find_asset(name: str) -> str:
    """`taarafo.css` → `/static/taarafo.css?v=1a2b3c4d`."""
    return url_for("static", filename=name, v=_version_of(name))


@cache
def _version_of(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]
