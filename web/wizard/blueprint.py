"""Where the wizard's pages are registered."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("wizard", __name__)
