"""Looks at real little servers: honest ones, ones that changed something, and ones that hide it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.adapters.machine import SystemClock
from provisioner.adapters.visit import Visit
from provisioner.errors import ReleaseRejected, Unavailable
from provisioner.models.observation import AssetSeen, Observation, Sight
from provisioner.witness.probing import INSTANCE_PATH, MOST_LOOKS, SETTLE_SECONDS, Prober
from tests.publishing.servers import answer_with, silence, trickle_head
from tests.witness.certificates import write_loopback_certificate
from tests.witness.communities import (
    FILES,
    NEW,
    NEWER,
    OLD,
    ControlPlane,
    community,
    control_plane,
    hash_of,
    pages_of,
)
from tests.witness.sites import Request, Served, Site, serving

EVIL = b"alert('evil')"
SCRIPT = "/static/app.js"


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with control_plane(tmp_path_factory.mktemp("publisher")) as opened:
            yield opened


def look(
    control: ControlPlane,
    site: Site,
    known: str = "",
    *,
    during_pause: Callable[[float], object] = lambda seconds: None,
) -> Observation:
    with serving(site) as address:
        prober = Prober(control.find_listed, SystemClock(), during_pause)
        return prober.look_at(address, known)


def test_an_honest_community_fits(control: ControlPlane) -> None:
    site = community()
    seen = look(control, site)
    assert seen == Observation(
        address=f"localhost:{site.port}",
        at=seen.at,
        release=OLD.target,
        release_sha256=hash_of(OLD.to_bytes()),
        tls="-",
        page_status=200,
        assets=tuple(AssetSeen(path.replace(" ", "%20")) for path in sorted(FILES)),
    )
    assert seen.outcome is Sight.FITS
    assert seen.at.microsecond == 0
    assert abs(seen.at.timestamp() - time.time()) < 10


def test_a_changed_file_is_named_with_its_hash(control: ControlPlane) -> None:
    site = community()
    site.pages[SCRIPT] = (200, EVIL)
    pauses: list[float] = []
    seen = look(control, site, during_pause=pauses.append)
    assert (seen.outcome, seen.differing) == (Sight.DIVERGENT, (SCRIPT,))
    assert seen.assets[1] == AssetSeen(SCRIPT, served=hash_of(EVIL))
    assert pauses == [SETTLE_SECONDS]


def test_a_file_that_is_gone_or_leads_elsewhere(control: ControlPlane) -> None:
    for served in ((404, b""), (302, b"", {"Location": "/"}), (206, FILES[SCRIPT])):
        site = community()
        site.pages[SCRIPT] = served
        seen = look(control, site)
        assert (seen.outcome, seen.differing) == (Sight.DIVERGENT, (SCRIPT,))
        assert seen.assets[1] == AssetSeen(SCRIPT, status=served[0])


def only_to_browsers(request: Request, served: Served) -> Served:
    """What an attacker would do: a program that checks is shown the honest file."""
    is_browser = "Firefox" in request.named.get("user-agent", "")
    is_page = "sec-fetch-dest" in request.named and request.path == SCRIPT
    return (200, EVIL) if is_browser and is_page else served


def test_a_change_for_browsers_alone_is_seen(control: ControlPlane) -> None:
    site = community()
    site.change = only_to_browsers
    assert look(control, site).differing == (SCRIPT,)


def test_a_change_that_is_taken_back_after_one_look_is_seen(control: ControlPlane) -> None:
    site = community()
    site.pages[SCRIPT] = (200, EVIL)

    def repent(_: float) -> None:
        site.pages[SCRIPT] = (200, FILES[SCRIPT])

    assert look(control, site, during_pause=repent).differing == (SCRIPT,)


def test_a_server_that_turns_honest_once_asked_for_its_report_is_seen(
    control: ControlPlane,
) -> None:
    site = community()
    is_asked = []

    def behave(request: Request, served: Served) -> Served:
        if request.path == INSTANCE_PATH:
            is_asked.append(request.peer)
        return (200, EVIL) if request.path == SCRIPT and not is_asked else served

    site.change = behave
    assert look(control, site, OLD.target).differing == (SCRIPT,)
    assert site.paths.index(SCRIPT) < site.paths.index(INSTANCE_PATH)


def test_an_upgrade_is_no_difference(control: ControlPlane) -> None:
    """The files were new already when the report still named the old release."""
    site = community()
    site.pages.update(pages_of(OLD, NEWER))

    def report(_: float) -> None:
        site.pages.update(pages_of(NEW, NEWER))

    seen = look(control, site, OLD.target, during_pause=report)
    assert (seen.outcome, seen.release) == (Sight.FITS, NEW.target)


def test_an_upgrade_since_the_last_look_is_no_difference(control: ControlPlane) -> None:
    site = Site(dict(pages_of(NEW, NEWER)))
    seen = look(control, site, OLD.target)
    assert (seen.outcome, seen.release) == (Sight.FITS, NEW.target)


def test_a_report_that_names_another_release_each_time_fits_none(control: ControlPlane) -> None:
    site = community()
    told: list[str] = []

    def waver(request: Request, served: Served) -> Served:
        if request.path != INSTANCE_PATH:
            return served
        told.append(request.path)
        return pages_of((OLD, NEW)[len(told) % 2], {})[INSTANCE_PATH]

    site.change = waver
    seen = look(control, site)
    assert (seen.outcome, seen.release, seen.assets) == (Sight.SILENT, "", ())
    assert len(told) == MOST_LOOKS + 1


def test_a_hidden_community_fits_too(control: ControlPlane) -> None:
    site = community()
    site.pages["/"] = (404, b"nothing")
    seen = look(control, site)
    assert (seen.outcome, seen.page_status) == (Sight.FITS, 404)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_broken_server_served_nothing_else(control: ControlPlane, status: int) -> None:
    site = community()
    site.pages[SCRIPT] = (status, b"busy")
    seen = look(control, site)
    assert (seen.outcome, seen.differing) == (Sight.SILENT, ())
    assert seen.assets[1] == AssetSeen(SCRIPT, status=status)


def test_a_file_without_an_answer(control: ControlPlane) -> None:
    site = community()
    site.pages[SCRIPT] = None
    seen = look(control, site)
    assert (seen.outcome, seen.assets[1]) == (Sight.SILENT, AssetSeen(SCRIPT, status=0))


@pytest.mark.parametrize(
    "told",
    [(404, b""), (200, b""), (200, b"[]"), (200, b"{}"), (200, b'{"release": 5}'),
     (200, b"[" * 100_000), (200, b"\xff"), None,
     (200, b'{"release": ""}'), (200, b'{"release": "../../etc/passwd"}'),
     (200, b'{"release": "app/taarafo/stable/9.9.9/release.json"}'),
     (200, b'{"release": "app/taarafo/stable/1.0.0/release.json\\n"}')],
)  # fmt: skip
def test_a_report_that_names_no_published_release(control: ControlPlane, told: Served) -> None:
    site = community()
    site.pages[INSTANCE_PATH] = told
    seen = look(control, site)
    assert (seen.outcome, seen.release, seen.page_status) == (Sight.SILENT, "", 200)


def test_nobody_answers(control: ControlPlane) -> None:
    prober = Prober(control.find_listed, SystemClock(), lambda seconds: None)
    seen = prober.look_at("localhost:1", OLD.target)
    assert seen == Observation("localhost:1", seen.at)
    assert seen.outcome is Sight.SILENT


@pytest.mark.parametrize("bad", [silence, trickle_head])
def test_a_server_that_drips_is_left_in_time(control: ControlPlane, bad: object) -> None:
    with answer_with(bad) as url:  # type: ignore[arg-type]
        prober = Prober(
            control.find_listed, SystemClock(), lambda _: None, partial(Visit, seconds=0.5)
        )
        begun = time.monotonic()
        seen = prober.look_at(url.split("/")[2].replace("127.0.0.1", "localhost"))
        assert time.monotonic() - begun < 2
    assert seen.outcome is Sight.SILENT


def test_without_the_list_of_releases_there_is_nothing_to_say(
    control: ControlPlane, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable):
        look(replace(control, address="localhost:1"), community())
    strange = tmp_path / "root.json"
    strange.write_bytes(b"{}")
    with pytest.raises(ReleaseRejected):
        look(replace(control, root=strange), community())


def test_the_key_of_the_connection_is_recorded(control: ControlPlane, tmp_path: Path) -> None:
    certificate, public = write_loopback_certificate(tmp_path)
    with serving(community(), certificate) as address:
        trusting = Prober(
            control.find_listed, SystemClock(), lambda _: None,
            partial(Visit, authorities=certificate),
        )  # fmt: skip
        seen = trusting.look_at(address)
        assert (seen.outcome, seen.tls) == (
            Sight.FITS, f"sha256:{sha256(public).hexdigest()}",
        )  # fmt: skip
        seen = Prober(control.find_listed, SystemClock(), lambda _: None).look_at(address)
        assert (seen.outcome, seen.tls, seen.page_status) == (Sight.SILENT, "-", 0)
