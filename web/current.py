"""What a view may ask about the application that is answering."""

from __future__ import annotations

from typing import Final

from flask import current_app

from provisioner.engine.context import Context
from provisioner.settings import Settings

CONTEXT: Final = "taarafo"


def get_context() -> Context:
    """The composition root that `create_app` was given."""
    context: Context = current_app.extensions[CONTEXT]
    return context


def get_settings() -> Settings:
    return get_context().settings
