"""A member over real TLS, and a real witness that saw the key of the same address."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provisioner.adapters.machine import SystemClock
from provisioner.adapters.releases import open_releases_at
from provisioner.core.appraisal.saved import read_saved
from provisioner.models.manifest import root_of
from provisioner.models.verdict import Outcome
from provisioner.publishing.publish import publish_release
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.listed import find_listed
from provisioner.witness.probing import INSTANCE_PATH, Prober
from provisioner.witness.rounds import Rounds, Schedule
from provisioner.witness.shelf import Shelf
from tests.browser.saved_checks import HONEST, Place, begin_place, release_of
from tests.core.test_appraisal import MANIFEST
from tests.engine.desk import Desk, detail_of, log_of, open_desk, watch
from tests.publishing.place import NOW
from tests.witness.certificates import write_loopback_certificate
from tests.witness.communities import hash_of
from tests.witness.running import NAME, witness_here

STYLE = b"body { color: black }"
SAME_KEY = "1 independent checker saw the key of this connection in the last hour."
OTHER_KEY = "This connection has another key than the ones that 1 independent checker saw"


@dataclass
class Watched:
    """A desk, its other certificate, and a look of the witness at it."""

    desk: Desk
    other: Path
    look: Callable[[], None]

    def stand_between(self) -> None:
        """From now on new connections get another certificate, which is trusted too."""
        assert self.desk.site.tls
        self.desk.site.tls.load_cert_chain(self.other)


def publish_with_style(place: Place) -> None:
    release = release_of("1.3.0").model_copy(update={"assets": {"/app.css": hash_of(STYLE)}})
    publish_release(place.publisher, release, {root_of(MANIFEST): MANIFEST}, now=NOW)


@pytest.fixture
def is_secure() -> bool:
    return True


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_secure: bool) -> Iterator[Watched]:
    one, other = (write_loopback_certificate(tmp_path / name)[0] for name in ("one", "other"))
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(one.read_bytes() + other.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = begin_place(tmp_path / "publisher")
    publish_with_style(place)
    folder = tmp_path / "witness"
    with (
        open_desk(place, tmp_path, one if is_secure else None) as desk,
        witness_here(folder, log_of(place)) as witness,
    ):
        watch(place, witness)
        desk.evidence = replace(HONEST, release=release_of("1.3.0").target)
        told = json.dumps({"release": desk.evidence.release}).encode()
        desk.pages |= {"/": (200, b"x"), INSTANCE_PATH: (200, told), "/app.css": (200, STYLE)}
        releases = open_releases_at(desk.address, desk.root)
        prober = Prober(lambda t: find_listed(releases, t), SystemClock(), lambda _: None)
        identity = Identity(NAME, load_key(folder / "key.pem"))
        schedule = Schedule(900.0, random.SystemRandom())
        rounds = Rounds(prober, identity, Shelf(folder), schedule, lambda _: True)
        yield Watched(desk, other, lambda: rounds.look_once(desk.address))


def test_the_same_key_is_said(watched: Watched) -> None:
    watched.look()
    verdict = watched.desk.check()
    assert verdict.outcome is Outcome.GENUINE
    said = detail_of(verdict, "witnesses")
    assert said == f"1 independent checker saw the same public files just now. {SAME_KEY}"


@pytest.mark.attack("another key of TLS for one member", "DIVERGENT")
@pytest.mark.parametrize("asks", [True, False])
def test_somebody_who_stands_between_is_divergent(watched: Watched, asks: bool) -> None:
    """Whether the report came as an answer or is the one for everybody."""
    watched.look()
    watched.desk.asks = asks
    watched.stand_between()
    verdict = watched.desk.check()
    assert verdict.outcome is Outcome.DIVERGENT
    assert OTHER_KEY in detail_of(verdict, "witnesses")
    assert "check again in an hour, before you sign in" in detail_of(verdict, "witnesses")


def test_a_new_certificate_is_known_once_the_witness_has_looked_again(watched: Watched) -> None:
    watched.look()
    watched.stand_between()
    watched.look()
    assert SAME_KEY in detail_of(watched.desk.check(), "witnesses")


def test_nothing_is_said_of_a_key_that_nobody_looked_at(watched: Watched) -> None:
    verdict = watched.desk.check()
    assert verdict.outcome is Outcome.GENUINE
    assert "key" not in detail_of(verdict, "witnesses")


def test_a_check_that_is_saved_looks_at_its_connection_too(watched: Watched) -> None:
    watched.look()
    watched.stand_between()
    file = watched.desk.folder / "saved.json"
    assert watched.desk.check(save=file).outcome is Outcome.DIVERGENT
    assert read_saved(file.read_bytes()).nonce


@pytest.mark.parametrize("is_secure", [False])
def test_over_plain_http_nothing_is_claimed(watched: Watched) -> None:
    watched.look()
    verdict = watched.desk.check()
    assert verdict.outcome is Outcome.GENUINE
    assert detail_of(verdict, "witnesses").endswith("saw the same public files just now.")
