"""The whole web application on a real database; operations run on fakes when a test says so."""

from __future__ import annotations

import pytest
from flask import Flask

from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.fakes import FakeContext
from tests.web.serving import make_web
from tests.web.visitor import Visitor

GENUINE = Verdict(Outcome.GENUINE, (Finding("files", Outcome.GENUINE, "as published"),))


@pytest.fixture
def web(tmp_path, monkeypatch) -> tuple[FakeContext, Flask]:
    monkeypatch.setattr(
        "provisioner.engine.checks.attest.check_community", lambda *_, **__: GENUINE
    )
    return make_web(tmp_path)


@pytest.fixture
def context(web: tuple[FakeContext, Flask]) -> FakeContext:
    return web[0]


@pytest.fixture
def app(web: tuple[FakeContext, Flask]) -> Flask:
    return web[1]


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)
