"""Two machines for tests: two engines in networks of their own with a cable between, one Swarm.

Each has an agent of its own, which sees the containers of its own engine. The first one serves.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from provisioner.adapters.fetch import Fetch
from provisioner.core.appraisal.agents import AgentKey, AgentList
from provisioner.engine.checks.check import check
from provisioner.models.verdict import Outcome, Verdict
from tests.conftest import Engine
from tests.live.engine import TestEngine, reserve_engine, start_engine, stop_engine
from tests.live.test_agent import HOST, NAME, Place, await_that, start_agent

ADDRESSES = ("10.99.7.1", "10.99.7.2")


@dataclass
class TwoHosts:
    """The first place serves what both report, at `port`."""

    one: Place
    other: Place
    port: int

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def agents(self) -> tuple[AgentKey, ...]:
        return self.one.agent_keys() + self.other.agent_keys()

    @property
    def ids(self) -> tuple[str, str]:
        one, other = (agent.host_id for agent in self.agents)
        return one, other

    def start(self, *hosts: str) -> None:
        """A task of the community on each machine, which names these hosts."""
        labels = (f"org.taarafo.address={self.address}", f"org.taarafo.hosts={','.join(hosts)}")
        named = [word for label in labels for word in ("--container-label", label)]
        self.one.start("--read-only", "--mode", "global", *named)
        await_that(lambda: all(place.containers() for place in (self.one, self.other)))

    def stop(self) -> None:
        self.one.stop()
        await_that(lambda: not self.other.containers())
        for place in (self.one, self.other):
            await_that(lambda place=place: not (place.folder / "evidence" / HOST).exists())

    def restart_agent(self, place: Place) -> None:
        place.agent = start_agent(place, place.docker_root / "containers")

    def check(
        self,
        *,
        is_asked: bool = True,
        enrolled: tuple[AgentKey, ...] | None = None,
        now: datetime | None = None,
    ) -> Verdict:
        """Over the network, below the community's one address."""
        known = self.agents if enrolled is None else enrolled
        fetch = Fetch()
        return check(
            self.address,
            now=now or datetime.now(UTC),
            fetch=fetch,
            releases=replace(self.one.releases, agents=known),
            enrolled=lambda: AgentList(known),
            ask=fetch.post if is_asked else None,
        )

    def await_outcome(self, outcome: Outcome, **how: object) -> Verdict:
        """Asks no questions: an agent answers three at once, and then one in ten seconds."""
        verdicts: list[Verdict] = []

        def has_come() -> bool:
            verdicts.append(self.check(is_asked=False, **how))  # type: ignore[arg-type]
            return verdicts[-1].outcome == outcome

        await_that(has_come, what=lambda: verdicts[-1])
        return verdicts[-1]


@contextmanager
def two_engines() -> Iterator[tuple[TestEngine, TestEngine]]:
    """In one Swarm; the first is its manager."""
    started = [reserve_engine(number) for number in (1, 2)]
    try:
        for engine in started:
            start_engine(engine)
        lay_cable(*(engine.name for engine in started))
        _join(*started)
        yield started[0], started[1]
    finally:
        for engine in reversed(started):
            stop_engine(engine)


@contextmanager
def begin_places(engines: tuple[TestEngine, TestEngine], folder: Path) -> Iterator[list[Place]]:
    """The same image on both, and an agent on each."""
    folders = [folder / "1", folder / "2"]
    for each in folders:
        each.mkdir()
    one = Place(as_engine(engines[0]), folders[0])
    other = copy(one)
    other.engine, other.folder = as_engine(engines[1]), folders[1]
    other.docker_root = Path(other.docker("info", "-f", "{{.DockerRootDir}}").strip())
    other.docker("load", given=_run("docker", "-H", one.engine.docker_host, "save", f"{NAME}:1"))
    places = [one, other]
    for place in places:
        place.releases.write(place.folder / "releases")
        place.agent = start_agent(place, place.docker_root / "containers")
    try:
        for place in places:
            await_that((place.folder / "agent" / "agent.json").exists)
        yield places
    finally:
        for place in places:
            place.agent.kill()
            place.agent.wait(10)


def as_engine(engine: TestEngine) -> Engine:
    return Engine(engine.docker_host, engine.folder, "")


def lay_cable(one: str, other: str) -> None:
    """Between two network namespaces, by name. It goes with either of them."""
    _run("ip", "link", "add", "cable", "netns", one, "type", "veth",
         "peer", "name", "cable", "netns", other)  # fmt: skip
    for name, address in zip((one, other), ADDRESSES, strict=True):
        _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
        _run("ip", "-n", name, "link", "set", "cable", "up")


def _join(one: TestEngine, other: TestEngine) -> None:
    def swarm(engine: TestEngine, *words: str) -> str:
        return _run("docker", "-H", engine.docker_host, "swarm", *words).decode().strip()

    first, second = ADDRESSES
    swarm(one, "init", "--advertise-addr", first, "--listen-addr", f"{first}:2377")
    token = swarm(one, "join-token", "-q", "worker")
    swarm(other, "join", "--token", token, "--advertise-addr", second, f"{first}:2377")


def _run(*words: str) -> bytes:
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def read_instance(place: Place) -> dict[str, object]:
    value: dict[str, object] = json.loads(
        (place.folder / "evidence" / HOST / "instance").read_bytes()
    )
    return value
