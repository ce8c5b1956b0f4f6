"""Attacks on the public log, mounted for real on the files that readers fetch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.adapters.releases import PublishedReleases
from provisioner.core.appraisal.agents import AgentList
from provisioner.core.log_entries import entry_of_metadata
from provisioner.core.log_policy import FIELD, find_policy
from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.entry import Entry, write_entry
from provisioner.core.tlog.merkle import hash_leaf
from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    Note,
    NoteKey,
    read_note,
    write_note,
)
from provisioner.core.tlog.policy import KnownWitness, WitnessGroup, write_policy
from provisioner.core.tlog.proof import check_proof, read_proof
from provisioner.errors import (
    LogDivided,
    OlderLog,
    ReleaseRejected,
    ReleaseUnlogged,
    WitnessesMissing,
)
from provisioner.publishing.agents import log_agents
from provisioner.publishing.log import Cosign
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.rotate_log import rotate_log_key
from provisioner.publishing.witnesses import refresh_cosignatures
from tests.core.test_appraisal_dsse import KEY, public_of
from tests.publishing.place import (
    APP,
    NOW,
    begin,
    contents_of,
    forge,
    publish,
    put_back,
    reader_of,
    tell_log,
)


@pytest.fixture
def log_folder(publisher: Publisher) -> Path:
    return publisher.repository.folder / "log"


@pytest.fixture
def reader(publisher: Publisher, tmp_path: Path) -> PublishedReleases:
    """A reader that has seen release 1.0.0."""
    reader = reader_of(publisher, tmp_path / "cache")
    assert reader.newest("taarafo").version == "1.0.0"
    return reader


@pytest.mark.parametrize("role", ["root", "targets", APP])
@pytest.mark.attack("valid signatures, not in the log", "UNLOGGED")
def test_valid_signatures_that_nobody_logged(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    forge(publisher, role, is_logged=False)
    for who in (reader, reader_of(publisher, tmp_path / "new")):
        with pytest.raises(ReleaseUnlogged, match="release-unlogged"):
            who.newest("taarafo")


@pytest.mark.attack("cache deleted, then rollback", "REJECTED")
def test_a_cache_that_was_deleted_and_a_rollback(
    publisher: Publisher, tmp_path: Path, log_folder: Path
) -> None:
    """Everything but the log is put back to an older state that is still validly signed."""
    saved = tmp_path / "saved"
    shutil.copytree(publisher.repository.folder, saved)
    publish(publisher, "1.1.0")
    shutil.copytree(log_folder, tmp_path / "log")
    put_back(saved, publisher.repository.folder)
    put_back(tmp_path / "log", log_folder)
    with pytest.raises(ReleaseRejected) as caught:
        reader_of(publisher, tmp_path / "new").newest("taarafo")
    assert "the log has seen 3" in caught.value.explain()


@pytest.mark.attack("rollback of the log", "REJECTED")
def test_a_log_that_is_rolled_back_too(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, log_folder: Path
) -> None:
    saved = tmp_path / "saved"
    shutil.copytree(log_folder, saved)
    tell_log(publisher, publisher.read_state().root.signed, Entry("agent", "h1", "1" * 64))
    reader.newest("taarafo")
    put_back(saved, log_folder)
    with pytest.raises(OlderLog):
        reader.newest("taarafo")


@pytest.mark.attack("two checkpoints of one size", "EQUIVOCATION")
def test_two_logs_of_one_size(publisher: Publisher, tmp_path: Path, log_folder: Path) -> None:
    """A split view: one reader is shown one agent, another reader another."""
    reader = reader_of(publisher, tmp_path / "cache")
    shutil.copytree(log_folder, tmp_path / "before")
    root = publisher.read_state().root.signed
    tell_log(publisher, root, Entry("agent", "h1", "1" * 64))
    first = (log_folder / "checkpoint").read_bytes()
    reader.newest("taarafo")
    put_back(tmp_path / "before", log_folder)
    tell_log(publisher, root, Entry("agent", "h1", "2" * 64))
    second = (log_folder / "checkpoint").read_bytes()
    with pytest.raises(LogDivided) as caught:
        reader.newest("taarafo")
    kept = Path(str(caught.value.facts["folder"]))
    assert contents_of(kept) == {"seen-before": first, "seen-now": second}, "both are kept"


@pytest.mark.attack("one version with two contents", "EQUIVOCATION")
def test_one_version_with_two_contents(publisher: Publisher, reader: PublishedReleases) -> None:
    tell_log(publisher, publisher.read_state().root.signed, entry_of_metadata(APP, 2, b"another"))
    with pytest.raises(LogDivided, match="log-divided"):
        reader.newest("taarafo")


@pytest.mark.parametrize("part", ["checkpoint", "tile/entries/000.p/5"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_changed_byte(
    publisher: Publisher, tmp_path: Path, log_folder: Path, part: str, place: float
) -> None:
    path = log_folder / part
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReleaseRejected):
        reader_of(publisher, tmp_path / "new").newest("taarafo")


@pytest.mark.parametrize("content", [b"", b"\0" * 40, os.urandom(300)])
def test_nonsense_instead_of_entries(
    publisher: Publisher, tmp_path: Path, log_folder: Path, content: bytes
) -> None:
    (log_folder / "tile/entries/000.p/5").write_bytes(content)
    with pytest.raises(ReleaseRejected):
        reader_of(publisher, tmp_path / "new").newest("taarafo")


def test_a_root_that_names_no_log(publisher: Publisher, tmp_path: Path) -> None:
    """An empty policy is an error, not permission."""
    forge(
        publisher, "root", lambda root: root.signed.unrecognized_fields.pop(FIELD), is_logged=False
    )
    with pytest.raises(ReleaseRejected) as caught:
        reader_of(publisher, tmp_path / "new").newest("taarafo")
    assert "the root names no log" in caught.value.explain()


def test_a_damaged_memory_is_fetched_again(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    for name in ("checkpoint", "entries"):
        path = tmp_path / "cache" / "log" / name
        path.write_bytes(path.read_bytes()[:-9])
        assert reader.newest("taarafo").version == "1.0.0"


# -- witnesses -----------------------------------------------------------------------------------


@pytest.fixture
def keys() -> dict[str, Ed25519PrivateKey]:
    return {f"witness-{n}": Ed25519PrivateKey.generate() for n in (1, 2, 3)}


def with_witnesses(publisher: Publisher, keys: dict[str, Ed25519PrivateKey]) -> None:
    """Two of three have to have seen the log from now on."""
    state = publisher.read_state()
    policy = find_policy(state.root.signed.unrecognized_fields)
    known = tuple(
        KnownWitness(n, NoteKey(n, COSIGNATURE_V1, k.public_key().public_bytes_raw()))
        for n, k in keys.items()
    )
    group = WitnessGroup("two-of-three", 2, tuple(keys))
    text = write_policy(replace(policy, witnesses=known, groups=(group,), quorum="two-of-three"))

    def demand(root) -> None:
        root.signed.unrecognized_fields[FIELD] = text

    forge(publisher, "root", demand, is_logged=False)


def ask(keys: dict[str, Ed25519PrivateKey], *names: str, age: timedelta = timedelta(0)) -> Cosign:
    """These witnesses cosign whatever they are shown."""
    when = int((NOW - age).timestamp())

    def cosign_all(checkpoint: bytes, _: object, __: Callable[[int], object]) -> bytes:
        note = read_note(checkpoint)
        more = tuple(cosign(note.text, name, keys[name], when) for name in names)
        return write_note(Note(note.text, (*note.signatures, *more)))

    return cosign_all


@pytest.mark.parametrize(
    ("names", "age", "is_enough"),
    [
        (("witness-1", "witness-2"), 0, True),
        (("witness-1", "witness-2", "witness-3"), 23, True),
        (("witness-1",), 0, False),
        ((), 0, False),
        (("witness-1", "witness-3"), 25, False),
        (("witness-1", "witness-3"), -1, False),
    ],
)
@pytest.mark.attack("too few or too old cosignatures", "STALE")
def test_too_few_or_too_old_cosignatures(
    publisher: Publisher, tmp_path: Path, keys, names, age, is_enough
) -> None:
    with_witnesses(publisher, keys)
    seen = replace(publisher, cosign=ask(keys, *names, age=timedelta(hours=age)))
    publish(seen, "1.1.0")
    reader = reader_of(publisher, tmp_path / "new")
    if is_enough:
        with reader.open() as reading:
            assert set(reading.log.witnesses) == set(names)
            assert reading.newest("taarafo").version == "1.1.0"
    else:
        with pytest.raises(WitnessesMissing):
            reader.newest("taarafo")


@pytest.mark.attack("one witness under two names", "REJECTED")
def test_one_witness_that_signs_under_two_names(publisher: Publisher, tmp_path: Path, keys) -> None:
    with_witnesses(publisher, keys)
    thief = {"witness-1": keys["witness-1"], "witness-2": keys["witness-1"]}
    publish(replace(publisher, cosign=ask(thief, "witness-1", "witness-2")), "1.1.0")
    with pytest.raises(ReleaseRejected):
        reader_of(publisher, tmp_path / "new").newest("taarafo")


def test_nothing_is_published_while_too_few_witnesses_answer(
    publisher: Publisher, tmp_path: Path, keys
) -> None:
    """What was told to the log stays there; the next try tells it again and goes on."""
    with_witnesses(publisher, keys)
    before = contents_of(publisher.repository.metadata)["timestamp.json"]
    with pytest.raises(WitnessesMissing):
        publish(publisher, "1.1.0")
    assert contents_of(publisher.repository.metadata)["timestamp.json"] == before
    publish(replace(publisher, cosign=ask(keys, "witness-1", "witness-3")), "1.1.0")
    with reader_of(publisher, tmp_path / "new").open() as reading:
        assert reading.newest("taarafo").version == "1.1.0"


# -- what the publisher keeps --------------------------------------------------------------------


AGENT = public_of(KEY)
CALLS = {
    "release publish": lambda publisher: publish(publisher, "1.2.0"),
    "agent rotate": lambda publisher: log_agents(publisher, AgentList((AGENT,), (AGENT,)), now=NOW),
    "the sweep": lambda publisher: refresh_cosignatures(publisher, now=NOW + timedelta(hours=2)),
    "release keys rotate": lambda publisher: rotate_log_key(publisher, now=NOW),
}


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\n\n", b"a log\n5\n"])
@pytest.mark.parametrize("call", CALLS)
def test_a_served_checkpoint_that_is_damaged_is_named(
    publisher: Publisher, tmp_path: Path, log_folder: Path, keys, call: str, damage: bytes
) -> None:
    """It is a copy: once it is taken away, it is made anew."""
    with_witnesses(publisher, keys)
    seen = replace(publisher, cosign=ask(keys, "witness-1", "witness-2"))
    publish(seen, "1.1.0")
    path = log_folder / "checkpoint"
    path.write_bytes(damage)
    with pytest.raises(ReleaseRejected) as caught:
        CALLS[call](seen)
    assert f"the log {path} is damaged" in caught.value.explain()
    assert path.read_bytes() == damage
    path.unlink()
    publish(seen, "1.3.0")
    assert reader_of(publisher, tmp_path / "new").newest("taarafo").version == "1.3.0"


def test_a_proof_holds_without_the_rest_of_the_log(tmp_path: Path) -> None:
    publisher = begin(tmp_path, "1.0.0", "1.1.0")
    state = publisher.read_state()
    log = publisher.open_log(state.root.signed)
    checkpoint = (log.folder / "checkpoint").read_bytes()
    for entry in log.list_entries():
        proof = read_proof(log.prove(entry, checkpoint))
        assert check_proof(proof, hash_leaf(write_entry(entry)), log.key)[0].size == 6


def test_a_log_of_many_entries_is_read_in_parts(publisher: Publisher, tmp_path: Path) -> None:
    root = publisher.read_state().root.signed
    many = [Entry("agent", f"h{n}", f"{n:064x}") for n in range(600)]
    tell_log(publisher, root, *many[:300])
    reader = reader_of(publisher, tmp_path / "cache")
    assert reader.newest("taarafo")
    tell_log(publisher, root, *many)
    with reader.open() as reading:
        assert reading.log.size == 605
        assert reading.log.agents["h599"] == (f"{599:064x}",)
