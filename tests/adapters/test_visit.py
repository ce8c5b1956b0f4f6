"""Visits to real servers: with a browser's manners, over one connection, and never without end."""

from __future__ import annotations

import gzip
import hashlib
import time
import zlib
from pathlib import Path

import pytest

from provisioner.adapters.visit import Visit
from provisioner.errors import Unavailable
from tests.publishing.servers import answer_with, break_off, endless, trickle_body, trickle_head
from tests.witness.certificates import write_loopback_certificate
from tests.witness.sites import Site, serving

CSS = b"body { color: black }" * 50
PAGES = {
    "/": (200, b"hello"),
    "/static/app.css": (200, CSS),
    "/away": (302, b"", {"Location": "/"}),
}


def test_pages_come_over_one_connection_and_no_redirect_is_followed() -> None:
    site = Site(PAGES)
    with serving(site) as address, Visit(address) as visit:
        assert (visit.get("/").status, visit.get("/static/app.css").body) == (200, CSS)
        assert visit.get("/away").status == 302
        assert visit.get("/nothing").status == 404
        assert visit.tls_key == "-"
    assert len({request.peer for request in site.asked}) == 1
    assert site.paths == ["/", "/static/app.css", "/away", "/nothing"]


def test_it_has_a_browsers_manners() -> None:
    site = Site(PAGES)
    with serving(site) as address, Visit(address) as visit:
        for path in ("/", "/static/app.css", "/.well-known/taarafo/instance"):
            visit.get(path)
    page, style, report = site.asked
    assert page.headers[:2] == [("Host", address), ("User-Agent", page.named["user-agent"])]
    assert page.named["user-agent"].startswith("Mozilla/5.0 (Windows NT 10.0; Win64; x64;")
    assert page.named["accept"].startswith("text/html,")
    assert page.named["sec-fetch-mode"] == "navigate"
    assert "referer" not in page.named
    assert style.named["accept"] == "text/css,*/*;q=0.1"
    assert style.named["referer"] == f"http://{address}/"
    assert (report.named["sec-fetch-dest"], report.named["accept"]) == ("empty", "*/*")
    for request in site.asked:
        told = " ".join(f"{name} {value}" for name, value in request.headers).lower()
        assert not [word for word in ("python", "taarafo", "witness", "probe") if word in told]
        assert request.named["accept-encoding"] == "gzip, deflate"
        assert request.named["connection"] == "keep-alive"


def test_a_connection_that_was_ended_is_made_anew() -> None:
    """Once. A server that hangs up again and again does not answer."""
    told: list[str] = []

    def hang_up_after_one(request: object, served: object) -> object:
        told.append(request.path)  # type: ignore[attr-defined]
        return None if len(told) == 2 else served

    site = Site(PAGES, change=hang_up_after_one)  # type: ignore[arg-type]
    with serving(site) as address, Visit(address) as visit:
        assert visit.get("/").status == 200
        assert visit.get("/static/app.css").body == CSS
    assert len({request.peer for request in site.asked}) == 2
    with (
        serving(Site(change=lambda *_: None)) as address,
        Visit(address) as visit,
        pytest.raises(Unavailable),
    ):
        visit.get("/")


@pytest.mark.parametrize(
    ("kind", "sent"),
    [("gzip", gzip.compress(CSS, mtime=0)), ("deflate", zlib.compress(CSS)), ("br", CSS)],
)
def test_what_was_compressed_is_compared_as_it_was(kind: str, sent: bytes) -> None:
    site = Site({"/x": (200, sent, {"Content-Encoding": kind})})
    with serving(site) as address, Visit(address) as visit:
        assert visit.get("/x").body == CSS


@pytest.mark.parametrize(
    "sent",
    [gzip.compress(CSS, mtime=0)[:-9], b"nonsense", gzip.compress(b"\0" * 2_000_000, mtime=0)],
)
def test_what_cannot_be_taken_apart_is_no_answer(sent: bytes) -> None:
    site = Site({"/x": (200, sent, {"Content-Encoding": "gzip"}), "/": (200, b"well")})
    with serving(site) as address, Visit(address, limit_bytes=1_000_000) as visit:
        with pytest.raises(Unavailable):
            visit.get("/x")
        assert visit.get("/").body == b"well"


def test_an_answer_has_a_largest_size() -> None:
    site = Site({"/x": (200, b"x" * 101), "/y": (200, b"y" * 100)})
    with serving(site) as address, Visit(address, limit_bytes=100) as visit:
        with pytest.raises(Unavailable, match="more than 100 bytes"):
            visit.get("/x")
        assert len(visit.get("/y").body) == 100


@pytest.mark.parametrize("bad", [trickle_head, trickle_body, endless, break_off])
def test_a_visit_ends_in_time(bad: object) -> None:
    with answer_with(bad) as url:  # type: ignore[arg-type]
        address = url.split("/")[2].replace("127.0.0.1", "localhost")
        begun = time.monotonic()
        with Visit(address, seconds=0.5) as visit:
            for _ in range(3):
                with pytest.raises(Unavailable):
                    visit.get("/")
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "address", ["localhost:1", "", "x.localhost:99999", "x.localhost:y", "a b"]
)
def test_nobody_there_is_unavailable(address: str) -> None:
    with Visit(address, seconds=2) as visit, pytest.raises(Unavailable):
        visit.get("/")


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/ä"])
def test_no_path_makes_a_second_header(path: str) -> None:
    with serving(site := Site(PAGES)) as address, Visit(address) as visit:
        with pytest.raises(Unavailable):
            visit.get(path)
        assert visit.get("/").status == 200
    assert site.paths == ["/"]


# -- TLS -----------------------------------------------------------------------------------------


def test_the_key_of_the_server_is_told(tmp_path: Path) -> None:
    certificate, public = write_loopback_certificate(tmp_path)
    with (
        serving(site := Site(PAGES), certificate) as address,
        Visit(address, authorities=certificate) as visit,
    ):
        assert visit.tls_key == "-"
        assert visit.get("/").body == b"hello"
        assert visit.tls_key == f"sha256:{hashlib.sha256(public).hexdigest()}"
        visit.get("/static/app.css")
    assert site.asked[1].named["referer"] == f"https://{address}/"


def test_a_certificate_is_checked_unless_it_is_trusted(tmp_path: Path) -> None:
    certificate, _ = write_loopback_certificate(tmp_path / "one")
    other, _ = write_loopback_certificate(tmp_path / "other")
    with serving(site := Site(PAGES), certificate) as address:
        for authorities in (None, other):
            with (
                Visit(address, seconds=5, authorities=authorities) as visit,
                pytest.raises(Unavailable, match="certificate verify failed"),
            ):
                visit.get("/")
    assert site.asked == []


def test_the_environment_may_name_whom_to_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, _ = write_loopback_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(Site(PAGES), certificate) as address, Visit(address) as visit:
        assert visit.get("/").status == 200


def test_a_handshake_that_drips_ends_in_time() -> None:
    with answer_with(trickle_body) as url:
        address = url.split("/")[2]
        begun = time.monotonic()
        with Visit(address, seconds=0.5) as visit, pytest.raises(Unavailable):
            visit.get("/")
        assert time.monotonic() - begun < 2
