"""A publisher and three real witness processes: chosen, asked, lost, and replaced."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.adapters.witnesses import gather_cosignatures
from provisioner.core.tlog.entry import Entry
from provisioner.core.tlog.note import write_vkey
from provisioner.engine.releases.publisher import cosign_with
from provisioner.errors import KeyRefused, PublishingUnfinished, WitnessesMissing
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.witnesses import (
    add_witness,
    read_policy_of,
    refresh_cosignatures,
    remove_witness,
)
from tests.publishing.place import NOW, begin, contents_of, publish, reader_of
from tests.witness.running import Running, witness_process

NAMES = ("w.example/one", "w.example/two", "w.example/three")


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    begun = begin(tmp_path / "publisher", "1.0.0")
    return replace(begun, cosign=cosign_with(gather_cosignatures))


@pytest.fixture
def three(publisher: Publisher, tmp_path: Path):
    """Three witnesses that watch this publisher's log, each in a process of its own."""
    vkey = write_vkey(read_policy_of(publisher).logs[0].key)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                witness_process(tmp_path / f"w{number}", "--name", name, "--log", vkey)
            )
            for number, name in enumerate(NAMES)
        ]


def choose(publisher: Publisher, three: list[Running], needed: int = 2) -> None:
    for number, each in enumerate(three, start=1):
        name = f"w{number}"
        done = add_witness(publisher, name, each.key, each.url, min(needed, number), now=NOW)
        assert done.is_published


def test_what_is_published_is_seen_by_a_quorum(
    publisher: Publisher, three: list[Running], tmp_path: Path
) -> None:
    choose(publisher, three)
    began = time.monotonic()
    publish(publisher, "1.1.0")
    assert time.monotonic() - began < 5
    with reader_of(publisher, tmp_path / "cache").open() as reading:
        assert reading.newest("taarafo").version == "1.1.0"
        assert set(reading.log.witnesses) == {"w1", "w2", "w3"}
        assert reading.log.quorum == "quorum"


def test_one_that_is_away_is_not_missed_and_two_are(
    publisher: Publisher, three: list[Running], tmp_path: Path
) -> None:
    choose(publisher, three)
    three[0].process.kill()
    publish(publisher, "1.1.0")
    three[1].process.kill()
    before = contents_of(publisher.repository.metadata)["timestamp.json"]
    with pytest.raises(WitnessesMissing):
        publish(publisher, "1.2.0")
    assert contents_of(publisher.repository.metadata)["timestamp.json"] == before
    assert reader_of(publisher, tmp_path / "cache").newest("taarafo").version == "1.1.0"


def test_a_witness_that_does_not_answer_is_not_chosen(
    publisher: Publisher, three: list[Running]
) -> None:
    three[0].process.kill()
    before = contents_of(publisher.repository.folder)
    with pytest.raises(WitnessesMissing):
        add_witness(publisher, "w1", three[0].key, three[0].url, 1, now=NOW)
    assert contents_of(publisher.repository.folder) == before


def test_a_witness_is_taken_away_again(publisher: Publisher, three: list[Running]) -> None:
    choose(publisher, three)
    assert remove_witness(publisher, "w2", 1, now=NOW).is_published
    assert [each.name for each in read_policy_of(publisher).witnesses] == ["w1", "w3"]
    for name in ("w1", "w3"):
        remove_witness(publisher, name, 1, now=NOW)
    assert read_policy_of(publisher).quorum == "none"
    with pytest.raises(KeyRefused):
        remove_witness(publisher, "w9", 1, now=NOW)


def test_the_witnesses_look_again_every_hour(
    publisher: Publisher, three: list[Running], tmp_path: Path
) -> None:
    choose(publisher, three)
    assert not refresh_cosignatures(publisher, now=NOW)
    assert refresh_cosignatures(publisher, now=NOW + timedelta(hours=2))
    assert reader_of(publisher, tmp_path / "cache").newest("taarafo").version == "1.0.0"


def test_one_that_says_no_is_named_with_the_reason(
    publisher: Publisher, three: list[Running]
) -> None:
    choose(publisher, three[:1], needed=1)
    three[0].process.kill()
    three[0].process.wait()
    with pytest.raises(WitnessesMissing) as caught:
        refresh_cosignatures(publisher, now=NOW + timedelta(hours=2))
    assert caught.value.detail.startswith("The witness w1 did not cosign: ")


def test_what_was_cut_off_in_publishing_is_not_shown_by_a_refresh(
    publisher: Publisher, three: list[Running]
) -> None:
    choose(publisher, three[:1], needed=1)
    log = publisher.open_log(publisher.read_state().root.signed)
    before = (log.folder / "checkpoint").read_bytes()
    log.append([Entry("metadata", "9.targets.json", "0" * 64)])
    with pytest.raises(PublishingUnfinished):
        refresh_cosignatures(publisher, now=NOW + timedelta(hours=2))
    assert (log.folder / "checkpoint").read_bytes() == before
