"""What has to stay together in one process does."""

from __future__ import annotations

import pytest

from tests.beside import CONTROL_PLANE, ENGINE, scope_of


def test_only_one_process_sets_up_a_control_plane(request: pytest.FixtureRequest) -> None:
    assert list_strays(request, CONTROL_PLANE, {CONTROL_PLANE}) == []


def test_whatever_needs_an_engine_stays_together(request: pytest.FixtureRequest) -> None:
    assert list_strays(request, ENGINE, {CONTROL_PLANE, ENGINE}) == []


def list_strays(request: pytest.FixtureRequest, fixture: str, scopes: set[str]) -> list[str]:
    return [
        item.nodeid
        for item in request.session.items
        if fixture in getattr(item, "fixturenames", ()) and scope_of(item.nodeid) not in scopes
    ]
