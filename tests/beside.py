"""Two processes for a run of every test, each with an engine of its own.

The live tests mostly wait, so the rest is done meanwhile (docs/decisions/tests-own-engine.md).
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

CONTROL_PLANE, ENGINE = "control_plane", "engine"  # as their fixtures are called
NEED_A_CONTROL_PLANE = ("tests/browser/", "tests/live/")
NEED_ONLY_CHROMIUM = ("tests/browser/test_verifier.py",)
NEED_AN_ENGINE = (
    "tests/adapters/test_inspection.py",
    "tests/live/test_agent.py",
    "tests/live/test_engine.py",
    "tests/live/test_images.py",
    "tests/live/test_leftovers.py",
    "tests/live/test_rebuild.py",
    "tests/live/test_reproducible.py",
    "tests/live/test_two_hosts.py",
    "tests/playbooks/",
)


def scope_of(nodeid: str) -> str:
    """Tests of one scope stay in one process and in order; other tests are each its own."""
    if nodeid.startswith(NEED_AN_ENGINE):
        return ENGINE
    if nodeid.startswith(NEED_A_CONTROL_PLANE) and not nodeid.startswith(NEED_ONLY_CHROMIUM):
        return CONTROL_PLANE
    return nodeid


class Beside(LoadScopeScheduling):
    """The largest scopes first: those of the engines."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Beside(config, log)
