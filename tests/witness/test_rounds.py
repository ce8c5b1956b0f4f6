"""When a witness looks, what it keeps, and how others get to see it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.core.appraisal.observation import (
    MOST_OBSERVATIONS,
    judge_observations,
    observation_key_of,
    read_history,
    read_observation,
)
from provisioner.errors import Unavailable
from provisioner.models.observation import AssetSeen, Observation, Sight
from provisioner.models.verdict import Outcome
from provisioner.witness import shelf as shelves
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.rounds import FIRST_SECONDS, MEAN_SECONDS, Rounds, Schedule
from provisioner.witness.shelf import Shelf
from tests.witness.communities import community, control_plane
from tests.witness.logs import SmallLog
from tests.witness.running import NAME, Running, witness_here, witness_process
from tests.witness.sites import serving

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
HASH = "sha256:" + "a" * 64
ADDRESS = "smith.localhost:8080"
SEEN = Observation(
    ADDRESS, NOW, "app/taarafo/stable/1.0.0/release.json", HASH, "-", 200, (AssetSeen("/a"),)
)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(NAME, load_key(tmp_path / "key.pem"))


class Looker:
    """A prober whose looks are told beforehand; an exception among them is raised."""

    def __init__(self, *looks: Observation | Exception) -> None:
        self.looks = list(looks)
        self.known: list[str] = []

    def look_at(self, address: str, known: str) -> Observation:
        self.known.append(known)
        look = self.looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look


class Waiter:
    """Notes every pause, and says stop after so many."""

    def __init__(self, most: int) -> None:
        self.pauses: list[float] = []
        self.most = most

    def __call__(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return len(self.pauses) > self.most


def seeded(mean: float = MEAN_SECONDS) -> Schedule:
    return Schedule(mean, random.Random(5))  # noqa: S311 - the same pauses every time


def test_pauses_are_random_and_bounded_with_the_mean_that_was_asked_for() -> None:
    schedule = seeded()
    drawn = [schedule.next() for _ in range(20_000)]
    assert (min(drawn), max(drawn)) == (60, 3600)
    assert 0.95 * MEAN_SECONDS < sum(drawn) / len(drawn) < 1.05 * MEAN_SECONDS
    assert len(set(drawn)) > 15_000
    assert all(0 <= schedule.first() <= FIRST_SECONDS for _ in range(100))
    assert 0 <= seeded(2).first() <= 2
    assert Schedule().next() != Schedule().next()


def test_every_look_is_signed_and_kept_and_a_failed_one_stops_nothing(
    tmp_path: Path, identity: Identity
) -> None:
    later = replace(SEEN, at=NOW + timedelta(minutes=5))
    looker = Looker(SEEN, Unavailable("x", part="y"), RuntimeError("z"), later)
    waiter, shelf = Waiter(4), Shelf(tmp_path)
    Rounds(looker, identity, shelf, seeded(), waiter).walk(ADDRESS)  # type: ignore[arg-type]
    assert looker.known == ["", SEEN.release, SEEN.release, SEEN.release]
    assert len(set(waiter.pauses)) == 5
    notes = shelf.list_history(ADDRESS)
    assert [read_observation(note, identity.observation_key) for note in notes] == [later, SEEN]
    assert shelf.find_latest(ADDRESS) == notes[0]


def test_it_stops_at_once_when_told(tmp_path: Path, identity: Identity) -> None:
    looker = Looker()
    Rounds(looker, identity, Shelf(tmp_path), seeded(), Waiter(0)).walk(ADDRESS)  # type: ignore[arg-type]
    assert looker.known == []


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for number in range(MOST_OBSERVATIONS + 5):
        shelf.record(ADDRESS, NOW + timedelta(seconds=number), b"%d\n" % number)
    history = shelf.list_history(ADDRESS)
    assert len(history) == MOST_OBSERVATIONS == len(list(tmp_path.rglob("*.note")))
    assert history[0] == b"%d\n" % (MOST_OBSERVATIONS + 4)


def test_a_long_history_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "HISTORY_BYTES", 40)
    for number in range(5):
        Shelf(tmp_path).record(ADDRESS, NOW + timedelta(seconds=number), b"0123456789\n")
    assert len(Shelf(tmp_path).list_history(ADDRESS)) == 2


@pytest.mark.parametrize("address", ["", "..", "../x", "a/b", "SMITH.example", "x" * 300])
def test_what_is_no_address_has_no_shelf(tmp_path: Path, address: str) -> None:
    assert Shelf(tmp_path).find_latest(address) is None
    assert Shelf(tmp_path).list_history(address) == []


# -- served ----------------------------------------------------------------------------------------


@pytest.fixture
def witness(tmp_path: Path, identity: Identity) -> Iterator[Running]:
    shelf = Shelf(tmp_path)
    for minutes in (0, 5, 10):
        seen = replace(SEEN, at=NOW + timedelta(minutes=minutes))
        shelf.record(ADDRESS, seen.at, identity.sign_observation(seen))
    with witness_here(tmp_path, SmallLog()) as running:
        yield running


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.replace(":", "%3A")])
def test_anybody_can_read_what_was_seen(witness: Running, address: str) -> None:
    key = observation_key_of(witness.key)
    latest = witness.ask("GET", f"/observations/{address}/latest")
    assert read_observation(latest.body, key).at == NOW + timedelta(minutes=10)
    history = witness.ask("GET", f"/observations/{address}/history")
    seen = read_history(history.body, key)
    assert [each.at.minute for each in seen] == [10, 5, 0]
    for answer in (latest, history):
        assert answer.header["access-control-allow-origin"] == "*"
        assert answer.header["content-type"] == "text/plain; charset=utf-8"
    finding = judge_observations(seen, NOW + timedelta(minutes=12))
    assert finding is not None
    assert finding.outcome is Outcome.GENUINE
    assert "2 minutes ago" in finding.detail


# -- the whole -------------------------------------------------------------------------------------


def wait_for(witness: Running, address: str, sight: Sight) -> Observation:
    key = observation_key_of(witness.key)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        answer = witness.ask("GET", f"/observations/{address}/latest")
        if answer.status == 200 and (seen := read_observation(answer.body, key)).outcome is sight:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"it never saw {sight}")


def test_a_real_witness_sees_a_real_change(tmp_path: Path) -> None:
    site = community()
    with (
        control_plane(tmp_path / "publisher") as control,
        serving(site) as address,
        witness_process(
            tmp_path / "witness", "--name", NAME, "--probe", address, "--control",
            control.address, "--root", str(control.root), "--every", "1",
            XDG_CACHE_HOME=str(tmp_path / "cache"),
        ) as witness,
    ):  # fmt: skip
        assert wait_for(witness, address, Sight.FITS).address == address
        site.pages["/static/app.js"] = (200, b"alert('evil')")
        assert wait_for(witness, address, Sight.DIVERGENT).differing == ("/static/app.js",)
    for request in site.asked:
        assert request.named["user-agent"].startswith("Mozilla/5.0")
