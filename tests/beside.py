"""Two processes for a run of every test: what needs the one engine in its order, and all the rest.

The live tests mostly wait, so the rest is done meanwhile (docs/decisions/tests-own-engine.md).
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

ENGINE = "engine"
NEED_IT = (
    "tests/adapters/test_inspection.py",
    "tests/browser/",
    "tests/live/",
    "tests/playbooks/",
)
NEED_ONLY_CHROMIUM = ("tests/browser/test_verifier.py",)


def scope_of(nodeid: str) -> str:
    """Tests of one scope stay in one process and in order; other tests are each its own."""
    needs_it = nodeid.startswith(NEED_IT) and not nodeid.startswith(NEED_ONLY_CHROMIUM)
    return ENGINE if needs_it else nodeid


class Beside(LoadScopeScheduling):
    """The largest scope first: that is the engine's."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Beside(config, log)
