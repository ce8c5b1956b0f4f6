"""Observations: one right form, signed as what they are, and judged never stronger than seen."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.appraisal.observation import (
    HEADER,
    MOST_OBSERVATIONS,
    judge_observations,
    observation_key_of,
    read_history,
    read_observation,
    write_history,
    write_observation_text,
)
from provisioner.core.tlog.checkpoint import Checkpoint, write_checkpoint
from provisioner.core.tlog.cosignature import cosign, encode_message, read_cosignature
from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    Note,
    NoteKey,
    NoteSignature,
    read_note,
    sign_note,
    write_note,
)
from provisioner.models.observation import AssetSeen, Observation, Sight
from provisioner.models.verdict import Outcome

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
WITNESS = NoteKey("w.example/1", COSIGNATURE_V1, PRIVATE.public_key().public_bytes_raw())
KEY = observation_key_of(WITNESS)
NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
TARGET = "app/taarafo/stable/1.0.0/release.json"
HASH, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
FITS = Observation(
    "smith.example", NOW, TARGET, HASH, OTHER, 200,
    (AssetSeen("/static/app.css"), AssetSeen("/static/app.js")),
)  # fmt: skip
CHANGED = replace(FITS, assets=(AssetSeen("/static/app.css", served=OTHER), FITS.assets[1]))


def sign(text: str, private: Ed25519PrivateKey = PRIVATE) -> bytes:
    return write_note(Note(text, (sign_note(text, WITNESS.name, private),)))


def test_the_text_is_as_the_module_says() -> None:
    seen = replace(
        FITS,
        assets=(
            AssetSeen("/static/app.css"),
            AssetSeen("/static/app.js", served=OTHER),
            AssetSeen("/static/logo.svg", status=404),
        ),
    )
    assert write_observation_text(seen).splitlines() == [
        "taarafo/observation/v1",
        "address smith.example",
        "at 2026-01-02T12:00:00Z",
        f"release {TARGET} {HASH}",
        f"tls {OTHER}",
        "page / 200",
        "asset /static/app.css fits",
        f"asset /static/app.js differs {OTHER}",
        "asset /static/logo.svg missing 404",
        "outcome DIVERGENT",
    ]


def test_a_look_at_nothing_has_a_form_too() -> None:
    silent = Observation("smith.localhost:8080", NOW)
    text = write_observation_text(silent)
    assert text.splitlines()[3:] == ["release -", "tls -", "page / 0", "outcome SILENT"]
    read = read_observation(sign(text), KEY)
    assert (read, read.witness) == (silent, WITNESS.name)


@pytest.mark.parametrize(
    ("status", "served", "sight"),
    [(200, "", "FITS"), (200, OTHER, "DIVERGENT"), (404, "", "DIVERGENT"), (302, "", "DIVERGENT"),
     (204, "", "DIVERGENT"), (0, "", "SILENT"), (429, "", "SILENT"), (503, "", "SILENT")],
)  # fmt: skip
def test_a_server_that_is_busy_has_not_served_anything_else(
    status: int, served: str, sight: str
) -> None:
    one = AssetSeen("/static/app.js", status, served)
    assert one.sight == sight
    assert replace(FITS, assets=(FITS.assets[0], one)).outcome == sight


def test_a_release_without_files_and_a_page_without_answer_fit_nothing() -> None:
    assert replace(FITS, assets=()).outcome is Sight.SILENT
    assert replace(FITS, page_status=0).outcome is Sight.SILENT


STATUSES = st.one_of(st.just(0), st.integers(100, 999))
HASHES = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
ASSETS = st.one_of(
    st.just((200, "")),
    HASHES.map(lambda served: (200, served)),
    STATUSES.filter(lambda status: status != 200).map(lambda status: (status, "")),
)
PATHS = st.from_regex(r"/[!-~]{0,30}", fullmatch=True)
OBSERVATIONS = st.builds(
    lambda at, tls, status, files: Observation(
        "smith.example", at.replace(microsecond=0), TARGET, HASH, tls, status,
        tuple(AssetSeen(path, *files[path]) for path in sorted(files)),
    ),
    st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)),
    st.one_of(st.just("-"), HASHES),
    STATUSES,
    st.dictionaries(PATHS, ASSETS, max_size=8),
)  # fmt: skip


@given(OBSERVATIONS)
def test_what_is_written_is_read(observation: Observation) -> None:
    read = read_observation(sign(write_observation_text(observation)), KEY)
    assert read == observation
    assert read.outcome == observation.outcome


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused_as_they_should(raw: bytes) -> None:
    for read in (read_observation, read_history):
        if raw or read is read_observation:
            with pytest.raises(ValueError, match=r"."):
                read(raw, KEY)


@given(st.text(max_size=200))
def test_signed_nonsense_is_refused_too(text: str) -> None:
    lines = f"{HEADER}\n{text}\n"
    try:
        note = sign(lines)
    except ValueError:
        return  # no note can have that text
    with pytest.raises(ValueError, match=r"."):
        read_observation(note, KEY)


@given(st.data())
def test_a_changed_text_is_refused_even_when_it_is_signed(data: st.DataObject) -> None:
    """Whatever is changed, it either means something else or is not the one right form."""
    text = write_observation_text(CHANGED)
    at = data.draw(st.integers(0, len(text) - 2))
    letter = data.draw(st.characters(codec="utf-8", exclude_categories=["Cc"]))
    changed = text[:at] + letter + text[at + data.draw(st.integers(0, 1)) :]
    try:
        read = read_observation(sign(changed), KEY)
    except ValueError:
        return
    assert changed == text or read != CHANGED
    assert write_observation_text(read) == changed


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("observation/v1", "observation/v2"),
        ("address smith.example", "address Smith.example"),
        ("address smith.example", "address smith..example"),
        ("at 2026-01-02T12:00:00Z", "at 2026-1-2T12:00:00Z"),
        ("at 2026-01-02T12:00:00Z", "at 2026-01-02T12:00:00"),
        ("at 2026-01-02", "at 2026-02-30"),
        (f"release {TARGET}", "release /etc/passwd"),
        (HASH, HASH.upper()),
        (f" {HASH}", ""),
        (f"release {TARGET} {HASH}", "release -"),
        (f"tls {OTHER}", "tls "),
        ("page / 200", "page / +200"),
        ("page / 200", "page / 20"),
        ("page / 200", "page /other 200"),
        ("app.js fits", "app.js fits "),
        ("app.js fits", "app.js missing 200"),
        ("app.js fits", "app.js missing 404"),
        ("app.js fits", f"app.js differs {OTHER} more"),
        ("/static/app.js", "/static/app.css"),
        ("/static/app.js", "/a"),
        ("/static/app.js", "static/app.js"),
        ("outcome DIVERGENT", "outcome FITS"),
        ("outcome DIVERGENT\n", ""),
        ("outcome DIVERGENT\n", "outcome DIVERGENT\nmore\n"),
        ("page / 200\n", "page / 200\n\n"),
    ],
)
def test_one_right_form_and_no_other(find: str, put: str) -> None:
    text = write_observation_text(CHANGED)
    assert text.count(find) >= 1
    changed = text.replace(find, put, 1)
    if find == "app.js fits" and put == "app.js missing 404":
        assert read_observation(sign(changed), KEY).differing == (
            "/static/app.css",
            "/static/app.js",
        )
        return
    with pytest.raises(ValueError, match=r"."):
        read_observation(sign(changed), KEY)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(FITS, at=NOW.replace(microsecond=1)),
        replace(FITS, at=NOW.replace(tzinfo=None)),
        replace(FITS, address="SMITH"),
        replace(FITS, assets=FITS.assets[::-1]),
        replace(FITS, assets=FITS.assets * 2),
        replace(FITS, assets=(AssetSeen("/a b"),)),
        replace(FITS, assets=(AssetSeen("/ä"),)),
        replace(FITS, assets=(AssetSeen("/a\nasset /b fits"),)),
        replace(FITS, release=""),
        replace(FITS, tls="x"),
        replace(FITS, page_status=20),
    ],
)
def test_what_could_not_be_read_again_is_not_written(wrong: Observation) -> None:
    with pytest.raises(ValueError, match=r"."):
        write_observation_text(wrong)


# -- signatures ----------------------------------------------------------------------------------


def test_only_the_witnesss_own_signature_counts() -> None:
    text = write_observation_text(FITS)
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    with pytest.raises(ValueError, match="did not sign"):
        read_observation(sign(text, other), KEY)
    raw = sign(text).replace(b"/static/app.css fits", b"/static/app.jss fits")
    with pytest.raises(ValueError, match="not valid"):
        read_observation(raw, KEY)


def test_no_cosignature_is_an_observation_and_the_other_way_round() -> None:
    """One key signs both. Taken for the other kind, the signature is never right."""
    tree = write_checkpoint(Checkpoint("log.example", 3, b"\x01" * 32))
    line = cosign(tree, WITNESS.name, PRIVATE, 1_700_000_000)
    assert read_cosignature(Note(tree, (line,)), WITNESS) == 1_700_000_000
    stolen = NoteSignature(KEY.name, KEY.key_id, line.signature[8:])
    for text in (tree, encode_message(tree, 1_700_000_000).decode()):
        with pytest.raises(ValueError, match=r"."):
            read_observation(write_note(Note(text, (stolen,))), KEY)
    text = write_observation_text(FITS)
    (signed,) = read_note(sign(text)).signatures
    forged = NoteSignature(WITNESS.name, WITNESS.key_id, b"\0" * 8 + signed.signature)
    with pytest.raises(ValueError, match=r"."):
        read_cosignature(Note(text, (forged,)), WITNESS)
    with pytest.raises(ValueError, match="not valid"):
        read_cosignature(Note(tree, (forged,)), WITNESS)


def test_the_key_of_a_cosigner_is_not_taken_as_it_is() -> None:
    with pytest.raises(ValueError, match="not a key for notes"):
        read_observation(sign(write_observation_text(FITS)), WITNESS)


# -- histories -----------------------------------------------------------------------------------


@given(st.lists(OBSERVATIONS, max_size=4))
def test_a_history_is_read_as_it_was_written(seen: list[Observation]) -> None:
    notes = [sign(write_observation_text(each)) for each in seen]
    assert read_history(write_history(notes), KEY) == tuple(seen)


def test_a_history_that_was_cut_or_is_too_long_is_refused() -> None:
    note = sign(write_observation_text(FITS))
    raw = write_history([note, note])
    for end in (len(raw) - 1, len(note) + 3, len(raw) - 40):
        with pytest.raises(ValueError, match=r"."):
            read_history(raw[:end], KEY)
    with pytest.raises(ValueError, match="more observations"):
        read_history(write_history([note] * (MOST_OBSERVATIONS + 1)), KEY)


# -- judging -------------------------------------------------------------------------------------


def ago(observation: Observation, witness: str, **time: int) -> Observation:
    return replace(observation, witness=witness, at=NOW - timedelta(**time))


SILENT = Observation("smith.example", NOW, tls="-")


def test_nobody_looked() -> None:
    assert judge_observations([], NOW) is None
    assert judge_observations([ago(FITS, "a", hours=25)], NOW) is None
    assert judge_observations([ago(CHANGED, "a", hours=25)], NOW) is None
    assert judge_observations([ago(SILENT, "a", minutes=1)], NOW, seen_tls=OTHER) is None


def test_several_saw_the_same() -> None:
    seen = [ago(FITS, "a", minutes=4), ago(FITS, "a", minutes=30), ago(FITS, "b", minutes=9)]
    finding = judge_observations([*seen, ago(SILENT, "c", minutes=1)], NOW, seen_tls=OTHER)
    assert finding is not None
    assert (finding.check, finding.outcome) == ("witnesses", Outcome.GENUINE)
    assert finding.detail == (
        "2 independent checkers saw the same public files 9 minutes ago. "
        "2 independent checkers saw the key of this connection in the last hour."
    )


def test_who_looked_lately_counts_before_who_looked_long_ago() -> None:
    seen = [ago(FITS, "a", minutes=4), ago(FITS, "b", hours=20)]
    finding = judge_observations(seen, NOW)
    assert finding is not None
    assert finding.detail == "1 independent checker saw the same public files 4 minutes ago."
    finding = judge_observations(seen[1:], NOW)
    assert finding is not None
    assert finding.detail == "1 independent checker saw the same public files 20 hours ago."


def test_one_difference_in_a_day_is_enough() -> None:
    seen = [ago(FITS, "a", minutes=1), ago(FITS, "b", minutes=2), ago(CHANGED, "b", hours=23)]
    finding = judge_observations(seen, NOW, seen_tls=OTHER)
    assert finding is not None
    assert finding.outcome is Outcome.DIVERGENT
    assert finding.paths == ("/static/app.css",)
    assert "1 independent checker got other files" in finding.detail
    assert "23 hours ago" in finding.detail


def test_another_key_than_all_checkers_saw() -> None:
    seen = [ago(FITS, "a", minutes=4), ago(FITS, "b", minutes=9)]
    finding = judge_observations(seen, NOW, seen_tls=HASH)
    assert finding is not None
    assert finding.outcome is Outcome.DIVERGENT
    assert re.search(r"another key .* 2 independent checkers", finding.detail)
    finding = judge_observations([*seen, ago(replace(FITS, tls=HASH), "c", minutes=50)], NOW, HASH)
    assert finding is not None
    assert finding.outcome is Outcome.GENUINE
    assert "1 independent checker saw the key of this connection" in finding.detail


def test_a_key_that_was_seen_longer_ago_says_nothing() -> None:
    finding = judge_observations([ago(FITS, "a", minutes=61)], NOW, seen_tls=HASH)
    assert finding is not None
    assert finding.outcome is Outcome.GENUINE


def test_who_saw_another_release_did_not_see_these_files() -> None:
    seen = [ago(FITS, "a", minutes=4)]
    other = TARGET.replace("1.0.0", "1.1.0")
    assert judge_observations(seen, NOW, release=other) is None
    assert judge_observations(seen, NOW, release=TARGET) is not None


def test_the_future_is_not_believed() -> None:
    assert judge_observations([ago(FITS, "a", minutes=-6)], NOW) is None
    finding = judge_observations([ago(FITS, "a", minutes=-4)], NOW)
    assert finding is not None
    assert finding.detail.endswith("just now.")
