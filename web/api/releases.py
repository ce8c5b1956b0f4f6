"""Releases: what is published, read through verified metadata only."""

from __future__ import annotations

from provisioner.models.release import CHANNELS, release_target
from provisioner.settings import ROOT
from web.api.endpoint import Call, Endpoint
from web.api.schema import NoQuery, Release, ReleaseList


def list_releases(call: Call) -> ReleaseList:
    with call.context.releases.open() as published:
        targets = [
            release_target(recipe, channel, version)
            for recipe in _list_recipes()
            for channel in CHANNELS
            for version in published.list(recipe, channel)
        ]
        listings = [published.describe(target) for target in targets]
    return ReleaseList(items=[Release.model_validate(each.model_dump()) for each in listings])


def _list_recipes() -> list[str]:
    """Adding an app adds a folder."""
    return sorted(path.parent.name for path in (ROOT / "templates").glob("*/recipe.toml"))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/releases",
        "list_releases",
        "Published releases, oldest first",
        list_releases,
        ReleaseList,
        query=NoQuery,
    ),
)
