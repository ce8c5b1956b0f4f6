"""A publishing that is cut off: whatever runs next, no reader is ever told of an attack."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.adapters.releases import PublishedReleases
from provisioner.core.appraisal.agents import AgentList
from provisioner.core.tlog.cosignature import add_cosignatures, cosign
from provisioner.core.tlog.note import COSIGNATURE_V1, NoteKey, read_note
from provisioner.core.tlog.policy import Policy
from provisioner.errors import (
    KeyRefused,
    PublishingUnfinished,
    ReleaseRejected,
    SignaturesMissing,
    TaarafoError,
    WitnessesMissing,
)
from provisioner.models.manifest import root_of
from provisioner.publishing.agents import log_agents
from provisioner.publishing.create import create_publisher
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import refresh_online, renew_signatures
from provisioner.publishing.rotate import add_key, rotate_key, set_threshold
from provisioner.publishing.witnesses import add_witness, refresh_cosignatures
from tests.core.test_appraisal_dsse import KEY, public_of
from tests.publishing.ceremonies import make_holder, problems_of
from tests.publishing.place import (
    APP,
    MANIFEST,
    NOW,
    flip,
    publish,
    reader_of,
    release_of,
    run_until_killed,
)

WITNESS = Ed25519PrivateKey.generate()
WITNESS_KEY = NoteKey("w1", COSIGNATURE_V1, WITNESS.public_key().public_bytes_raw())
LATER = NOW + timedelta(days=3, hours=13)  # half of the snapshot's time is over


def run_up(publisher: Publisher) -> None:
    create_publisher(publisher, now=NOW)


def enrol_an_agent(publisher: Publisher) -> None:
    log_agents(publisher, AgentList((public_of(KEY),), (public_of(KEY),)), now=NOW)


def sweep(publisher: Publisher) -> None:
    refresh_online(publisher, now=LATER)


def publish_again(publisher: Publisher) -> None:
    publish(publisher, "1.1.0")


def publish_another_app(publisher: Publisher) -> None:
    release = release_of("1.0.0", name="control")
    publish_release(publisher, release, {root_of(MANIFEST): MANIFEST}, now=NOW)


def rotate_the_root(publisher: Publisher) -> None:
    assert rotate_key(publisher, "root", 1, now=NOW).is_published


def renew_everything(publisher: Publisher) -> None:
    renew_signatures(publisher, now=LATER)


NEXT: dict[str, Callable[[Publisher], None]] = {
    each.__name__: each
    for each in (
        run_up,
        enrol_an_agent,
        sweep,
        publish_again,
        publish_another_app,
        rotate_the_root,
        renew_everything,
    )
}


@pytest.mark.parametrize("name", NEXT)
def test_what_was_logged_is_shown_by_whatever_runs_next(
    make_publisher: Callable[[], Publisher], tmp_path: Path, name: str
) -> None:
    seen = set()
    for point in range(1, 60):
        publisher = make_publisher()
        was_killed = run_until_killed(lambda one=publisher: publish(one, "1.1.0"), point)
        NEXT[name](publisher)
        reader = reader_of(publisher, tmp_path / f"reader-{point}")
        seen.add(reader.newest("taarafo").version)
        assert problems_of(publisher) == (), point
        if not was_killed:
            break
    assert point > 12
    assert "1.1.0" in seen


@pytest.fixture
def watched(publisher: Publisher) -> Publisher:
    """A log that one witness has to have seen."""
    answering = replace(publisher, cosign=answer)
    assert add_witness(answering, "w1", WITNESS_KEY, "https://w1.example", 1, now=NOW).is_published
    return answering


def answer(checkpoint: bytes, policy: Policy, _: object, now: datetime = NOW) -> bytes:
    if not policy.witnesses:
        return checkpoint
    text = read_note(checkpoint).text
    return add_cosignatures(checkpoint, [cosign(text, "w1", WITNESS, int(now.timestamp()))])


def stay_away(*_: object) -> bytes:
    raise WitnessesMissing(found=0, names="w1")


def without_witnesses(publisher: Publisher) -> Publisher:
    return replace(publisher, cosign=stay_away)


def look(publisher: Publisher, cache: Path) -> str:
    return PublishedReleases.newest(reader_of(publisher, cache), "taarafo").version


def test_the_witnesses_come_back(watched: Publisher, tmp_path: Path) -> None:
    """While they are away the last good list stays; then everything is shown by the sweep."""
    publish(watched, "1.1.0")
    with pytest.raises(WitnessesMissing):
        publish(without_witnesses(watched), "1.2.0")
    assert look(watched, tmp_path / "one") == "1.1.0"
    for cut_off in (run_up, enrol_an_agent, sweep):
        with pytest.raises(WitnessesMissing):
            cut_off(without_witnesses(watched))
        assert look(watched, tmp_path / cut_off.__name__) == "1.1.0"
    assert refresh_cosignatures(watched, now=NOW + timedelta(hours=2))
    assert look(watched, tmp_path / "two") == "1.2.0"
    assert problems_of(watched) == ()


def test_the_timestamp_is_renewed_without_witnesses(watched: Publisher) -> None:
    with pytest.raises(WitnessesMissing):
        publish(without_witnesses(watched), "1.1.0")
    before = watched.read_state().timestamp.signed.version
    with pytest.raises(WitnessesMissing):
        sweep(without_witnesses(watched))
    assert watched.read_state().timestamp.signed.version == before + 1


def test_a_renewed_root_is_logged_before_it_is_seen(watched: Publisher, tmp_path: Path) -> None:
    publish(watched, "1.1.0")
    half = NOW + timedelta(days=200)
    roots = sorted(watched.repository.metadata.glob("*.root.json"))
    with pytest.raises(WitnessesMissing):
        renew_signatures(without_witnesses(watched), now=half)
    assert sorted(watched.repository.metadata.glob("*.root.json")) == roots
    assert look(watched, tmp_path / "one") == "1.1.0"
    renew_signatures(watched, now=half)
    assert len(list(watched.repository.metadata.glob("*.root.json"))) == len(roots) + 1


def test_choosing_a_witness_leaves_a_change_that_waits(
    publisher: Publisher, tmp_path: Path
) -> None:
    _, public = make_holder(tmp_path / "anna", "anna")
    add_key(publisher, APP, public, now=NOW)
    (publisher.ring.home / f"{APP}-1.pem").rename(tmp_path / "away.pem")
    assert not set_threshold(publisher, APP, 2, now=NOW).is_published
    waiting = {path.name: path.read_bytes() for path in publisher.pending.iterdir()}
    answering = replace(publisher, cosign=answer)
    with pytest.raises(SignaturesMissing):
        add_witness(answering, "w1", WITNESS_KEY, "https://w1.example", 1, now=NOW)
    assert {path.name: path.read_bytes() for path in publisher.pending.iterdir()} == waiting


def test_a_root_that_was_logged_has_no_rival(watched: Publisher, tmp_path: Path) -> None:
    """The pending folder was thrown away after the log was told of what is in it."""
    publish(watched, "1.1.0")
    with pytest.raises(WitnessesMissing):
        rotate_key(without_witnesses(watched), "root", 1, now=NOW)
    kept = tmp_path / "kept"
    watched.pending.rename(kept)
    with pytest.raises(TaarafoError) as caught:
        rotate_key(watched, "root", 2, now=NOW + timedelta(minutes=1))
    assert isinstance(caught.value, KeyRefused | PublishingUnfinished)
    assert look(watched, tmp_path / "one") == "1.1.0"
    for left in watched.pending.iterdir() if watched.pending.exists() else ():
        left.unlink()
    if watched.pending.exists():
        watched.pending.rmdir()
    kept.rename(watched.pending)
    run_up(watched)
    assert look(watched, tmp_path / "two") == "1.1.0"
    assert problems_of(watched) == ()


@pytest.mark.parametrize("part", ["tile/0", "tile/entries"])
def test_a_log_that_was_changed_on_the_disk_is_not_signed(
    publisher: Publisher, tmp_path: Path, part: str
) -> None:
    publish(publisher, "1.1.0")
    log = publisher.open_log(publisher.read_state().root.signed)
    before = log.read_sequenced()
    for file in (log.folder / part).rglob("*"):
        if file.is_file():
            flip(file, 0.2)
    with pytest.raises(ReleaseRejected) as caught:
        publish(publisher, "1.2.0")
    assert "the log " in caught.value.explain()
    assert log.read_sequenced() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_worker_may_rewrite_the_proofs(publisher: Publisher) -> None:
    given = replace(publisher, ring=replace(publisher.ring, online_uid=10001))
    run_up(given)
    proofs = publisher.repository.folder / "log" / "proof"
    assert {path.stat().st_uid for path in (proofs, *proofs.iterdir())} == {10001}
