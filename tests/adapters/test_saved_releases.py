"""A saved check is judged without a network, and every change to it is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.adapters.saved_releases import SavedReleases
from provisioner.core.appraisal.saved import read_saved, write_saved
from provisioner.errors import ReleaseExpired, ReleaseRejected
from provisioner.models.saved_check import ReleaseCopy, SavedCheck
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import renew_signatures
from tests.publishing.place import MANIFEST, NOW, begin, forge, reader_of, release_of

TARGET = release_of("1.0.0").target


@pytest.fixture(scope="module")
def publisher(tmp_path_factory) -> Publisher:
    return begin(tmp_path_factory.mktemp("publisher"), "1.0.0", "1.1.0")


@pytest.fixture(scope="module")
def copy(publisher: Publisher, tmp_path_factory) -> ReleaseCopy:
    with reader_of(publisher, tmp_path_factory.mktemp("cache")).open() as reading:
        return reading.copy(TARGET)


def open_copy(copy: ReleaseCopy, publisher: Publisher, now=NOW):
    return SavedReleases(copy, publisher.shipped_root.read_bytes(), now).open()


def test_a_copy_answers_what_a_check_asks(copy: ReleaseCopy, publisher: Publisher) -> None:
    with open_copy(copy, publisher) as published:
        release = published.get(TARGET)
        assert release.version == "1.0.0"
        assert published.list("taarafo") == ["1.0.0", "1.1.0"]
        assert published.describe(TARGET).is_self_built
        assert published.get_manifest(release.images["taarafo"]) == MANIFEST
        assert published.log.size == 6


def test_later_roots_are_followed(tmp_path: Path) -> None:
    publisher = begin(tmp_path, "1.0.0")
    for years in (1, 2):
        renew_signatures(publisher, now=NOW + timedelta(days=300 * years))
    later = NOW + timedelta(days=600)
    roots = sorted(publisher.repository.metadata.glob("[23].root.json"))
    assert len(roots) == 2
    state = publisher.read_state()
    log = publisher.open_log(state.root.signed)
    role = "app-taarafo-stable"
    files = publisher.repository.metadata

    def read(name: str) -> str:
        return (files / f"{state.get_role(name)[0].signed.version}.{name}.json").read_text()

    targets = publisher.repository.targets
    (content,) = (targets / TARGET).parent.glob("*.release.json")
    copy = ReleaseCopy(
        tuple(path.read_text() for path in roots),
        read("targets"),
        role,
        read(role),
        TARGET,
        content.read_text(),
        {},
        (log.folder / "checkpoint").read_text(),
        tuple(_line(entry) for entry in log.list_entries()),
    )
    with open_copy(copy, publisher, later) as published:
        assert published.get(TARGET).version == "1.0.0"
    with pytest.raises(ReleaseRejected), open_copy(replace(copy, roots=copy.roots[1:]), publisher):
        pass


def _line(entry) -> str:
    from provisioner.core.tlog.entry import write_entry

    return write_entry(entry).decode()


@pytest.mark.parametrize("field", ["targets", "role_metadata", "checkpoint"])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_changed_sign_anywhere(
    copy: ReleaseCopy, publisher: Publisher, field: str, place: float
) -> None:
    text = getattr(copy, field)
    at = int(len(text) * place)
    changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
    with (
        pytest.raises(ReleaseRejected),
        open_copy(replace(copy, **{field: changed}), publisher),
    ):
        pass


def test_a_changed_release_or_manifest(copy: ReleaseCopy, publisher: Publisher) -> None:
    changed = replace(copy, release=copy.release.replace("1.0.0", "1.0.9"), manifests={"x": "[]"})
    with open_copy(changed, publisher) as published:
        with pytest.raises(ReleaseRejected):
            published.get(TARGET)
        with pytest.raises(ReleaseRejected):
            published.get_manifest(release_of("1.0.0").images["taarafo"])


def test_what_was_taken_out_of_the_log(copy: ReleaseCopy, publisher: Publisher) -> None:
    with (
        pytest.raises(ReleaseRejected),
        open_copy(replace(copy, entries=copy.entries[:-1]), publisher),
    ):
        pass


def test_a_copy_of_another_publisher(copy: ReleaseCopy, tmp_path: Path) -> None:
    with pytest.raises(ReleaseRejected), open_copy(copy, begin(tmp_path, "1.0.0")):
        pass


def test_signatures_that_had_run_out_when_it_was_saved(
    copy: ReleaseCopy, publisher: Publisher
) -> None:
    with pytest.raises(ReleaseExpired), open_copy(copy, publisher, NOW + timedelta(days=31)):
        pass


def test_metadata_of_another_kind_is_no_root(copy: ReleaseCopy) -> None:
    with (
        pytest.raises(ReleaseRejected),
        SavedReleases(copy, copy.targets.encode(), NOW).open(),
    ):
        pass


def test_a_root_that_was_left_out_is_missed(copy: ReleaseCopy, tmp_path: Path) -> None:
    """The log tells of the newer one, even when the older one has not run out."""
    publisher = begin(tmp_path / "p", "1.0.0")
    forge(publisher, "root")
    with reader_of(publisher, tmp_path / "cache").open() as reading:
        newer = reading.copy(TARGET)
    assert len(newer.roots) == 1
    with open_copy(newer, publisher):
        pass
    with (
        pytest.raises(ReleaseRejected) as caught,
        open_copy(replace(newer, roots=()), publisher),
    ):
        pass
    assert "version 1 of root" in caught.value.explain()


def test_a_file_is_read_as_it_was_written(copy: ReleaseCopy) -> None:
    saved = SavedCheck("a.localhost", "2026-05-01T12:00:00Z", "", "{}", "{}", copy)
    assert read_saved(write_saved(saved)) == saved
    half = {"envelope": "\ud800"}
    for change in ({"type": "other"}, {"published": 1}, {"address": None}, half):
        with pytest.raises(ValueError, match=r"."):
            read_saved(json.dumps({**json.loads(write_saved(saved)), **change}).encode())
