"""Only different known keys over the one statement are counted, whatever lies beside them."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.appraisal.dsse import append_signature, seal
from provisioner.core.provenance import digest_of
from provisioner.core.rebuilders import (
    Rebuilder,
    RebuildPolicy,
    count_rebuilders,
    find_rebuilders,
    read_policy,
    write_policy,
)
from provisioner.models.evidence import PAYLOAD_TYPE

BUILDER, ANN, BEN, EVE = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(4))
KNOWN = (Rebuilder.of("Ann", ANN), Rebuilder.of("Ben", BEN))
PAYLOAD = b"how it was made"
STATEMENT = digest_of(PAYLOAD)
SEALED = seal(PAYLOAD_TYPE, PAYLOAD, BUILDER)
BY_ANN, BY_BEN, BY_EVE = (append_signature(SEALED, key) for key in (ANN, BEN, EVE))


def count(*envelopes: bytes, known: tuple[Rebuilder, ...] = KNOWN) -> int:
    return count_rebuilders(envelopes, known, STATEMENT)


def test_each_known_key_counts_once() -> None:
    assert count() == 0
    assert count(SEALED) == 0
    assert count(BY_ANN) == 1
    assert count(BY_ANN, BY_BEN) == 2
    assert count(append_signature(BY_ANN, BEN)) == 2
    assert [each.name for each in find_rebuilders([BY_BEN, BY_ANN], KNOWN, STATEMENT)] == [
        "Ben",
        "Ann",
    ]


def test_a_key_that_signs_often_or_has_two_names_is_one_voice() -> None:
    twice = json.loads(BY_ANN)
    twice["signatures"].append({**twice["signatures"][1], "keyid": "another"})
    assert count(BY_ANN, BY_ANN, json.dumps(twice).encode()) == 1
    assert count(BY_ANN, known=(*KNOWN, Rebuilder.of("Ann again", ANN))) == 1


def test_unknown_keys_count_for_nothing_even_under_a_known_id() -> None:
    assert count(BY_EVE) == 0
    stolen = json.loads(BY_EVE)
    stolen["signatures"][1]["keyid"] = KNOWN[0].keyid
    assert count(json.dumps(stolen).encode()) == 0
    assert count(BY_ANN, known=()) == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        seal(PAYLOAD_TYPE, b"another statement", ANN),
        seal("text/plain", PAYLOAD, ANN),
        BY_ANN[:-20],
        BY_ANN.replace(PAYLOAD_TYPE.encode(), b"text/plain"),
    ],
)
def test_what_is_about_something_else_counts_for_nothing(raw: bytes) -> None:
    assert count(raw) == 0
    assert count(raw, BY_BEN) == 1


@given(st.lists(st.binary(max_size=40)), st.sampled_from([BY_ANN, BY_BEN, SEALED]))
def test_rubbish_beside_it_changes_nothing(rubbish: list[bytes], good: bytes) -> None:
    assert count(*rubbish, good) == count(good)


@given(st.integers(0, len(BY_ANN) - 1), st.integers(0, 7))
def test_no_flipped_bit_makes_a_voice(place: int, bit: int) -> None:
    changed = bytearray(BY_ANN)
    changed[place] ^= 1 << bit
    assert count(bytes(changed)) <= 1
    assert count(bytes(changed), known=(KNOWN[1],)) == 0


def test_a_policy_is_written_and_read() -> None:
    policy = RebuildPolicy(KNOWN, 2)
    assert read_policy(write_policy(policy)) == policy
    assert read_policy(b'{"rebuilders": [], "more": 1}') == RebuildPolicy()
    assert RebuildPolicy().add(KNOWN[0]).add(Rebuilder.of("Annie", ANN)).keys == KNOWN[:1]


@pytest.mark.parametrize("needed", [-1, 3])
def test_a_policy_that_nobody_can_keep_is_refused(needed: int) -> None:
    with pytest.raises(ValueError, match="more rebuilders"):
        RebuildPolicy(KNOWN, needed)


def test_one_key_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        RebuildPolicy((*KNOWN, Rebuilder.of("Ann again", ANN)))


@pytest.mark.parametrize(
    "change",
    [
        {"keyid": "0" * 64},
        {"public": KNOWN[1].public},
        {"public": "?"},
        {"public": base64.b64encode(b"x" * 31).decode()},
        {"public": KNOWN[0].public[:-2] + chr(ord(KNOWN[0].public[-2]) + 1) + "="},
        {"name": 1},
    ],
)
def test_a_key_that_is_not_its_id_is_refused(change: dict[str, object]) -> None:
    row = {"name": "Ann", "keyid": KNOWN[0].keyid, "public": KNOWN[0].public} | change
    with pytest.raises(ValueError, match=r"\w"):
        read_policy(json.dumps({"needed": 0, "rebuilders": [row]}).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries({"name": JSON, "keyid": JSON, "public": JSON | st.text()})


@given(
    st.binary(max_size=40)
    | st.fixed_dictionaries({"needed": JSON, "rebuilders": JSON | st.lists(ROWS)}).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_strangers_bytes_are_a_policy_or_a_value_error(raw: bytes) -> None:
    try:
        assert read_policy(raw).keys == ()
    except ValueError:
        return
