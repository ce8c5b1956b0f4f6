"""The log takes a new key under its old name: every reader follows, the old key signs no more."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.adapters.releases import PublishedReleases
from provisioner.adapters.witnesses import gather_cosignatures
from provisioner.core.log_policy import find_former_keys
from provisioner.core.tlog.checkpoint import Checkpoint, write_checkpoint
from provisioner.core.tlog.entry import write_entry
from provisioner.core.tlog.merkle import hash_leaf, root_of
from provisioner.core.tlog.note import (
    Note,
    NoteKey,
    check_signature,
    read_note,
    sign_note,
    write_note,
    write_vkey,
)
from provisioner.engine.releases.publisher import cosign_with
from provisioner.errors import (
    KeyMissing,
    KeyRefused,
    LogKeyUnknown,
    OlderLog,
    ReleaseRejected,
    SignaturesMissing,
)
from provisioner.publishing.countersign import sign_waiting
from provisioner.publishing.keys import read_private
from provisioner.publishing.log import Log
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import renew_signatures
from provisioner.publishing.rotate_log import rotate_log_key
from provisioner.publishing.witnesses import add_witness
from tests.publishing.ceremonies import left_behind, problems_of
from tests.publishing.place import (
    NOW,
    contents_of,
    publish,
    publisher_in,
    reader_of,
    run_until_killed,
)
from tests.witness.running import witness_process

NEXT = "log-1.pem.next"


def log_of(publisher: Publisher) -> Log:
    return publisher.open_log(publisher.read_state().root.signed)


def served(publisher: Publisher) -> Note:
    return read_note((log_of(publisher).folder / "checkpoint").read_bytes())


def retired(publisher: Publisher) -> Path:
    (path,) = publisher.ring.home.glob("log-1.pem.*.retired")
    return path


@pytest.fixture
def reader(publisher: Publisher, tmp_path: Path) -> PublishedReleases:
    """A reader that has seen release 1.0.0, and the old key."""
    reader = reader_of(publisher, tmp_path / "cache")
    reader.newest("taarafo")
    return reader


def signers_of(note: Note, *keys: NoteKey) -> list[NoteKey]:
    return [key for key in keys if check_signature(note, key)]


def test_every_reader_follows_and_the_name_stays(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    old = log_of(publisher).key
    done = rotate_log_key(publisher, now=NOW)
    new = log_of(publisher).key
    assert done.is_published
    assert f"The public log signs with another key from now on: {write_vkey(new)}." in done.changes
    assert not any("witnesses" in change for change in done.changes)
    assert new.name == old.name
    assert new.public != old.public
    assert find_former_keys(publisher.read_state().root.signed.unrecognized_fields) == (old,)
    assert signers_of(served(publisher), new, old) == [new, old], "both, until the next entry"
    assert problems_of(publisher) == ()
    behind = shutil.copytree(tmp_path / "cache", tmp_path / "behind")
    reader.newest("taarafo")
    publish(publisher, "1.1.0")
    assert signers_of(served(publisher), new, old) == [new]
    for one in (reader, reader_of(publisher, tmp_path / "new"), reader_of(publisher, behind)):
        assert one.newest("taarafo").version == "1.1.0"
    assert not left_behind(publisher)


def test_the_old_file_is_kept_and_never_comes_back(publisher: Publisher) -> None:
    path = publisher.ring.home / "log-1.pem"
    before = path.read_bytes()
    rotate_log_key(publisher, now=NOW)
    assert path.read_bytes() != before
    assert retired(publisher).read_bytes() == before
    assert {p.stat().st_mode & 0o777 for p in publisher.ring.home.iterdir()} == {0o600}
    (publisher.ring.home / NEXT).write_bytes(before)
    with pytest.raises(KeyRefused, match="before"):
        rotate_log_key(publisher, now=NOW)
    (publisher.ring.home / NEXT).unlink()
    retired(publisher).unlink()
    rotate_log_key(publisher, now=NOW)
    assert len(find_former_keys(publisher.read_state().root.signed.unrecognized_fields)) == 2
    assert problems_of(publisher) == ()


@pytest.mark.attack("a checkpoint by a key that the log had before", "REJECTED")
def test_a_checkpoint_by_the_old_key_alone_is_refused(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    rotate_log_key(publisher, now=NOW)
    path, note = log_of(publisher).folder / "checkpoint", served(publisher)
    stolen = sign_note(note.text, log_of(publisher).key.name, read_private(retired(publisher)))
    path.write_bytes(write_note(Note(note.text, (stolen,))))
    for one in (reader, reader_of(publisher, tmp_path / "new")):
        with pytest.raises(ReleaseRejected) as caught:
            one.newest("taarafo")
        assert "the log did not sign it" in caught.value.explain()


def test_what_a_reader_saw_under_the_old_key_is_not_forgotten(
    publisher: Publisher, reader: PublishedReleases
) -> None:
    """A thief of the new key shows the log as it was before that reader's last look."""
    before = log_of(publisher).read_sequenced()[0]
    rotate_log_key(publisher, now=NOW)
    log = log_of(publisher)
    leaves = [hash_leaf(write_entry(entry)) for entry in log.list_entries()]
    size = before.size - 1
    older = write_checkpoint(Checkpoint(log.key.name, size, root_of(leaves[:size])))
    (log.folder / "checkpoint").write_bytes(log.sign(older))
    with pytest.raises(OlderLog):
        reader.newest("taarafo")


def test_killed_at_every_file_readers_see_the_old_or_the_new(
    made_once: Path, tmp_path: Path
) -> None:
    point, killed, done = 0, True, set()
    while killed:
        point += 1
        folder = tmp_path / str(point)
        shutil.copytree(made_once, folder)
        publisher = publisher_in(folder)
        warm, old = reader_of(publisher, folder / "cache"), log_of(publisher).key
        warm.newest("taarafo")
        kept = set(contents_of(publisher.ring.home).values())
        killed = run_until_killed(lambda p=publisher: rotate_log_key(p, now=NOW), point)
        assert problems_of(publisher) == (), point
        assert warm.newest("taarafo").version == "1.0.0"
        assert kept <= set(contents_of(publisher.ring.home).values()), "no key is lost"
        renew_signatures(publisher, now=NOW)  # what `up` does
        is_done = log_of(publisher).key != old
        done.add(is_done)
        publish(publisher, "1.1.0")
        assert warm.newest("taarafo").version == "1.1.0"
        if not is_done:
            assert rotate_log_key(publisher, now=NOW).is_published
        assert not left_behind(publisher)
        assert [*publisher.ring.home.glob("log-1.pem.*")] == [retired(publisher)], "one, not two"
        assert log_of(publisher).key != old
        assert problems_of(publisher) == ()
    assert point > 15
    assert done == {True, False}


def test_while_root_keys_are_away_both_sign_and_nothing_stops(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    old, stick = log_of(publisher).key, tmp_path / "stick"
    stick.mkdir()
    for number in (2, 3):
        (publisher.ring.home / f"root-{number}.pem").rename(stick / f"root-{number}.pem")
    assert not rotate_log_key(publisher, now=NOW).is_published
    with pytest.raises(SignaturesMissing):
        rotate_log_key(publisher, now=NOW)
    publish(publisher, "1.1.0")
    assert log_of(publisher).key == old
    assert reader.newest("taarafo").version == "1.1.0"
    (hidden,) = publisher.ring.home.glob(NEXT)
    hidden.rename(stick / NEXT)
    with pytest.raises(KeyMissing):
        sign_waiting(publisher, "root", stick / "root-2.pem", now=NOW)
    assert reader.newest("taarafo").version == "1.1.0"
    (stick / NEXT).rename(hidden)
    assert sign_waiting(publisher, "root", stick / "root-2.pem", now=NOW).is_published
    new = log_of(publisher).key
    assert new != old
    assert signers_of(served(publisher), new, old) == [new, old]
    for one in (reader, reader_of(publisher, tmp_path / "new")):
        assert one.newest("taarafo").version == "1.1.0"
    assert problems_of(publisher) == ()


def test_witnesses_have_to_know_the_new_key_first(publisher: Publisher, tmp_path: Path) -> None:
    publisher = replace(publisher, cosign=cosign_with(gather_cosignatures))
    old, folder = log_of(publisher).key, tmp_path / "w"
    before = contents_of(publisher.repository.folder)
    with witness_process(folder, "--name", "w.example", "--log", write_vkey(old)) as witness:
        listen = ("--listen", f"127.0.0.1:{witness.port}")
        add_witness(publisher, "w1", witness.key, witness.url, 1, now=NOW)
        before = contents_of(publisher.repository.folder)
        with pytest.raises(LogKeyUnknown) as caught:
            rotate_log_key(publisher, now=NOW)
        assert contents_of(publisher.repository.folder) == before
        assert "403" in caught.value.detail
        publish(publisher, "1.1.0")
    told = str(caught.value.facts["vkey"])
    assert told in caught.value.next_step()
    with witness_process(folder, "--log", told, *listen):
        assert rotate_log_key(publisher, now=NOW).is_published
        new = log_of(publisher).key
        assert write_vkey(new) == told
        publish(publisher, "1.2.0")
        assert signers_of(served(publisher), new, old) == [new]
        with reader_of(publisher, tmp_path / "cache").open() as reading:
            assert reading.newest("taarafo").version == "1.2.0"
            assert set(reading.log.witnesses) == {"w1"}
