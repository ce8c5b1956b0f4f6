"""Reading releases: one contract for a folder, the web and a Unix socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from provisioner.adapters.release_inspection import verify_repository
from provisioner.adapters.release_sources import FolderSource, Source
from provisioner.adapters.release_web import WebSource
from provisioner.adapters.releases import PublishedReleases, open_releases
from provisioner.errors import (
    OperatorError,
    ReleaseRejected,
    ReleaseUnknown,
    TaarafoError,
    Unavailable,
)
from provisioner.publishing.create import create_publisher
from provisioner.publishing.publisher import Publisher
from provisioner.settings import Settings
from tests.publishing import servers
from tests.publishing.place import (
    MANIFEST,
    NOW,
    begin,
    image_of,
    publish,
    reader_of,
    release_of,
)

TARGET = release_of("1.0.0").target


@pytest.fixture(params=["folder", "web", "tls", "socket"])
def source(
    request: pytest.FixtureRequest,
    publisher: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Source]:
    folder = publisher.repository.folder
    if request.param == "folder":
        yield FolderSource(folder)
        return
    path = tmp_path / "edge.sock" if request.param == "socket" else None
    certificate = tmp_path / "tls.pem" if request.param == "tls" else None
    if certificate:
        servers.write_certificate(certificate)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with servers.serve(folder, path, certificate) as (url, _):
        yield WebSource(url, path)


@pytest.fixture
def reader(publisher: Publisher, source: Source, tmp_path: Path) -> PublishedReleases:
    return reader_of(publisher, tmp_path / "cache", source)


def test_what_was_published_is_read(reader: PublishedReleases, publisher: Publisher) -> None:
    publish(publisher, "1.10.0", security_floor="1.0.0")
    publish(publisher, "1.9.0")
    reader.list("taarafo")
    assert reader.list("taarafo") == ["1.0.0", "1.9.0", "1.10.0"]
    assert reader.newest("taarafo") == release_of("1.10.0")
    assert reader.get(TARGET) == release_of("1.0.0")
    assert reader.get_manifest(image_of()) == MANIFEST
    listing = reader.describe(release_of("1.10.0").target)
    assert (listing.version, listing.security_floor) == ("1.10.0", "1.0.0")
    assert listing.is_self_built


def test_what_was_not_published_is_unknown(reader: PublishedReleases) -> None:
    assert reader.list("chat") == []
    assert reader.list("taarafo", "edge") == []
    for ask in (
        lambda: reader.newest("chat"),
        lambda: reader.get(release_of("7.0.0").target),
        lambda: reader.get("../../etc/passwd"),
        lambda: reader.describe("app/x"),
    ):
        with pytest.raises(ReleaseUnknown):
            ask()


def test_a_verified_file_list_needs_no_repository(
    reader: PublishedReleases, publisher: Publisher, tmp_path: Path
) -> None:
    assert reader.get_manifest(image_of()) == MANIFEST
    shutil.rmtree(publisher.repository.folder)
    assert reader.get_manifest(image_of()) == MANIFEST
    (kept,) = (tmp_path / "cache/targets").glob("files*")
    kept.write_bytes(MANIFEST + b"\n")
    with pytest.raises(TaarafoError):
        reader.get_manifest(image_of())


def test_a_changed_copy_in_the_cache_is_fetched_again(
    reader: PublishedReleases, tmp_path: Path
) -> None:
    reader.get(TARGET)
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(path.read_bytes()[:-9])
    assert reader.get(TARGET) == release_of("1.0.0")


def test_a_missing_repository_is_waited_for(tmp_path: Path) -> None:
    publisher = begin(tmp_path / "p")
    reader = reader_of(publisher, tmp_path / "cache")
    shutil.rmtree(publisher.repository.folder)
    with pytest.raises(Unavailable):
        reader.list("taarafo")


def test_a_warm_reader_asks_only_for_a_new_root_the_timestamp_and_the_log(
    publisher: Publisher, tmp_path: Path
) -> None:
    with servers.serve(publisher.repository.folder) as (url, asked):
        reader = reader_of(publisher, tmp_path / "cache", WebSource(url))
        reader.get(TARGET)
        asked.clear()
        reader.get(TARGET)
        assert asked == [
            "/releases/metadata/2.root.json",
            "/releases/metadata/timestamp.json",
            "/releases/log/checkpoint",
        ]


def test_one_connection_serves_a_whole_call(publisher: Publisher, tmp_path: Path) -> None:
    with servers.serve(publisher.repository.folder) as (url, asked):
        reader = reader_of(publisher, tmp_path / "cache", WebSource(url))
        reader.newest("taarafo")
        assert len(asked) == 8
        assert len({one.peer for one in asked}) == 1


@pytest.mark.parametrize("answer", [servers.silence, servers.fail, servers.hang_up])
def test_a_server_that_does_not_answer_is_waited_for(
    publisher: Publisher, tmp_path: Path, answer: servers.Answer
) -> None:
    with servers.answer_with(answer) as url:
        reader = reader_of(publisher, tmp_path / "cache", WebSource(url), seconds=0.5)
        with pytest.raises(Unavailable):
            reader.list("taarafo")


def test_an_answer_that_breaks_off_is_waited_for(publisher: Publisher, tmp_path: Path) -> None:
    with servers.answer_with(servers.break_off) as url:
        reader = reader_of(publisher, tmp_path / "cache", WebSource(url))
        with pytest.raises(Unavailable):
            reader.list("taarafo")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://:x/", "?"])
def test_an_address_where_nobody_is_is_waited_for(
    publisher: Publisher, tmp_path: Path, url: str
) -> None:
    for source in (WebSource(url), WebSource("http://localhost/", tmp_path / "no.sock")):
        with pytest.raises(Unavailable):
            reader_of(publisher, tmp_path / "cache", source).list("taarafo")


@pytest.mark.parametrize("answer", [servers.trickle_head, servers.trickle_body, servers.endless])
@pytest.mark.attack("endless or trickled metadata", "REJECTED")
def test_a_trickled_or_endless_answer_is_rejected_in_time(
    publisher: Publisher, tmp_path: Path, answer: servers.Answer
) -> None:
    with servers.answer_with(answer) as url:
        reader = reader_of(publisher, tmp_path / "cache", WebSource(url), seconds=0.5)
        started = time.monotonic()
        with pytest.raises(ReleaseRejected):
            reader.list("taarafo")
        assert time.monotonic() - started < 2


def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    publisher: Publisher, tmp_path: Path
) -> None:
    servers.write_certificate(tmp_path / "tls.pem")
    folder = publisher.repository.folder
    with (
        servers.serve(folder, certificate=tmp_path / "tls.pem") as (url, _),
        pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        reader_of(publisher, tmp_path / "cache", WebSource(url)).list("taarafo")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_cache_that_cannot_be_written_is_the_operators(
    publisher: Publisher, tmp_path: Path
) -> None:
    reader = reader_of(publisher, tmp_path / "cache")
    (tmp_path / "cache").mkdir(mode=0o555)
    with as_nobody(), pytest.raises(OperatorError):
        reader.list("taarafo")


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_many_processes_share_one_cache(publisher: Publisher, tmp_path: Path) -> None:
    context = get_context("fork")
    reader = reader_of(publisher, tmp_path / "cache", seconds=20)
    children = [context.Process(target=reader.newest, args=("taarafo",)) for _ in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * len(children)


def test_the_control_plane_reads_its_own_repository(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    with pytest.raises(ReleaseRejected):
        open_releases(settings)
    publisher = Publisher.of(settings)
    create_publisher(publisher, now=NOW)
    publish(publisher, "1.0.0")
    assert open_releases(settings).newest("taarafo").version == "1.0.0"


def test_a_whole_repository_is_walked(source: Source, publisher: Publisher) -> None:
    found = verify_repository(source, root=publisher.shipped_root.read_bytes())
    assert found.is_good
    assert found.releases == (TARGET,)
    assert found.files == 2
    assert next(role for role, _ in found.expires) == "timestamp"


def test_who_reads_no_release_does_not_pay_for_tuf() -> None:
    program = "import sys, provisioner.adapters.releases; print('tuf' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout == b"False\n", "importing tuf takes a fifth of a second"
