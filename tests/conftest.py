"""Fixtures every part shares: the tests' own engine, a state folder on it, a control plane."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from provisioner.adapters.swarm import Swarm
from provisioner.settings import Settings
from tests import attacks, faults
from tests.beside import pytest_xdist_make_scheduler
from tests.browser.chromium import start_chromium
from tests.faults import tell
from tests.live.network import enter_network

__all__ = ["pytest_xdist_make_scheduler", "tell"]

ENGINE_MARKS = ("live", "browser")


@dataclass(frozen=True)
class Engine:
    """Where the tests' own Docker listens, and the proxy that leads out of its network."""

    docker_host: str
    folder: Path
    door: str

    @property
    def namespace(self) -> Path:
        return Path("/run/netns") / self.folder.name


def find_engine() -> Engine | None:
    """The one of this process, of those that `./taarafo test` started for this run."""
    told = json.loads(os.environ.get("TAARAFO_TEST_ENGINES", "[]"))
    if not told:
        return None
    mine = told[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))]
    return Engine(mine["docker_host"], Path(mine["folder"]), mine["door"])


def pytest_configure(config: pytest.Config) -> None:
    for table in (attacks, faults):
        table.pytest_configure(config)
    if engine := find_engine():
        enter_network(engine.namespace)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without an engine the live parts say why they are skipped; CI fails them instead."""
    reason = os.environ.get("TAARAFO_TEST_NO_ENGINE", "they need an engine: run `./taarafo test`")
    if find_engine() or os.environ.get("CI"):
        return
    for item in items:
        if any(item.get_closest_marker(mark) for mark in ENGINE_MARKS):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine that `./taarafo test` started for this run: a Swarm of one node."""
    engine = find_engine()
    if engine is None:
        pytest.fail("There is no engine for the live tests: run `./taarafo test`.")
    Swarm(engine.docker_host).ensure_swarm("127.0.0.1")
    return engine


@pytest.fixture(scope="session")
def state(engine: Engine) -> Settings:
    """Settings for a state folder on that engine. Its path is short: sockets live below it."""
    return Settings(state=engine.folder / "s", domain="", port=8080, docker_host=engine.docker_host)


@pytest.fixture
def way_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the programs that this test starts fetch packages from the internet."""
    for name, value in proxy_variables(engine).items():
        monkeypatch.setenv(name, value)


def proxy_variables(engine: Engine) -> dict[str, str]:
    inside = "localhost,.localhost,127.0.0.1"
    proxies = {"http_proxy": engine.door, "https_proxy": engine.door, "no_proxy": inside}
    return proxies | {name.upper(): value for name, value in proxies.items()}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def control_plane(engine: Engine, state: Settings) -> object:
    """What `./taarafo up` brings up, on the tests' engine: its `UpReport`."""
    from provisioner.engine.machine.up import bring_up

    with pytest.MonkeyPatch.context() as patch:
        for name, value in proxy_variables(engine).items():
            patch.setenv(name, value)
        return bring_up(state, say=lambda sentence: print(sentence, flush=True))
