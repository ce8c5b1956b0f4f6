"""Where the pages that are open to anyone are registered."""

from __future__ import annotations

from typing import Final

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from web.age import install_age
from web.check.ask import EXTENSION, RecentVerdicts

blueprint = Blueprint("check", __name__, url_prefix="/check")
LONGEST: Final = 300  # letters of what is taken for an address
LOOKS: Final = ("GET", "HEAD")  # both cost the same


@blueprint.record
def install(state: BlueprintSetupState) -> None:
    install_age(state.app)
    state.app.extensions.setdefault(EXTENSION, RecentVerdicts())
