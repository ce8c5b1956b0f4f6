"""DSSE exactly as its specification says, and nothing that raises anything but ValueError."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from provisioner.core.appraisal.agents import (
    AgentKey,
    AgentList,
    key_id,
    read_agent,
    read_agent_list,
    write_agent_list,
)
from provisioner.core.appraisal.dsse import (
    append_signature,
    decode_base64,
    encode_pae,
    find_signer,
    list_signers,
    read_envelope,
    seal,
)
from provisioner.core.appraisal.strict_json import read_json

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


def public_of(key: Ed25519PrivateKey, host: str = "h1") -> AgentKey:
    raw = key.public_key().public_bytes_raw()
    return AgentKey(host, key_id(raw), base64.b64encode(raw).decode())


def test_pae_is_the_specifications_own_example() -> None:
    encoded = encode_pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_pae_counts_bytes_not_letters() -> None:
    assert encode_pae("é", "ö".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xb6"


def test_the_specifications_own_envelope_is_read() -> None:
    raw = b"""{"payload": "aGVsbG8gd29ybGQ=",
      "payloadType": "http://example.com/HelloWorld",
      "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"""  # noqa: E501
    envelope = read_envelope(raw)
    assert envelope.payload == b"hello world"
    assert envelope.signatures[0].keyid == ""
    assert len(envelope.signatures[0].sig) == 64


@given(st.text(max_size=40).filter(lambda t: t.isprintable()), st.binary(max_size=200))
def test_what_is_sealed_is_found_signed_by_that_key_only(kind: str, payload: bytes) -> None:
    envelope = read_envelope(seal(kind, payload, KEY))
    assert (envelope.payload_type, envelope.payload) == (kind, payload)
    assert find_signer(envelope, [public_of(OTHER), public_of(KEY)]) == public_of(KEY)
    assert find_signer(envelope, [public_of(OTHER)]) is None


def change(raw: bytes, **changes: object) -> bytes:
    return json.dumps({**json.loads(raw), **changes}).encode()


def test_the_payload_type_is_signed_too() -> None:
    raw = change(seal("a", b"x", KEY), payloadType="b")
    assert find_signer(read_envelope(raw), [public_of(KEY)]) is None


@pytest.mark.parametrize("keyid", [None, "", "wrong", key_id(b"x" * 32)])
def test_the_keyid_is_only_a_hint(keyid: str | None) -> None:
    signature = json.loads(seal("a", b"x", KEY))["signatures"][0]
    del signature["keyid"]
    if keyid is not None:
        signature["keyid"] = keyid
    envelope = read_envelope(change(seal("a", b"x", KEY), signatures=[signature]))
    assert find_signer(envelope, [public_of(KEY)]) == public_of(KEY)


def test_one_good_signature_among_others_is_enough_and_unknown_fields_are_ignored() -> None:
    good = json.loads(seal("a", b"x", KEY))["signatures"][0]
    bad = {"keyid": good["keyid"], "sig": "AAAA", "extension": {"kind": "k"}}
    raw = change(seal("a", b"x", KEY), signatures=[bad, good], extra=[1])
    assert find_signer(read_envelope(raw), [public_of(KEY)]) == public_of(KEY)


@given(st.text(max_size=20).filter(lambda t: t.isprintable()), st.binary(max_size=80))
def test_a_second_signature_is_over_the_same_bytes(kind: str, payload: bytes) -> None:
    first = seal(kind, payload, KEY)
    envelope = read_envelope(append_signature(first, OTHER))
    assert (envelope.payload_type, envelope.payload) == (kind, payload)
    assert envelope.signatures[0] == read_envelope(first).signatures[0]
    known = [public_of(OTHER), public_of(KEY)]
    assert list(list_signers(envelope, known)) == known


def test_one_key_signs_once_whatever_its_id_says() -> None:
    first = json.loads(seal("a", b"x", KEY))
    first["signatures"][0]["keyid"] = "somebody else"
    for raw in (json.dumps(first).encode(), append_signature(seal("a", b"x", OTHER), KEY)):
        with pytest.raises(ValueError, match="already"):
            append_signature(raw, KEY)


def test_a_forged_signature_under_a_keys_id_does_not_keep_that_key_out() -> None:
    raw = json.loads(seal("a", b"x", OTHER))
    raw["signatures"][0]["keyid"] = public_of(KEY).keyid
    envelope = read_envelope(append_signature(json.dumps(raw).encode(), KEY))
    assert find_signer(envelope, [public_of(KEY)])


def test_a_full_envelope_takes_no_more() -> None:
    raw = seal("a", b"x", OTHER)
    for _ in range(15):
        raw = append_signature(raw, Ed25519PrivateKey.generate())
    with pytest.raises(ValueError, match="as many"):
        append_signature(raw, KEY)
    assert find_signer(read_envelope(raw), [public_of(OTHER)])


@given(st.binary(max_size=80))
@example(b"\xfb\xff\xfe")
@pytest.mark.attack("base64 as its specification says", "accepted")
def test_base64_in_either_alphabet(content: bytes) -> None:
    assert decode_base64(base64.b64encode(content).decode()) == content
    assert decode_base64(base64.urlsafe_b64encode(content).decode()) == content


@pytest.mark.parametrize(
    "text", ["YQ", "YQ=", "YR==", "Y Q==", "YQ==\n", "-+==", "ＹＱ==", "=", "Y==="]
)
@pytest.mark.attack("base64 in a wrong form", "REJECTED")
def test_base64_in_no_right_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)


GOOD = seal("a", b"x", KEY)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b"{}", b"\xff", b'"a"', b"[" * 100_000, b"{" * 10,
        b'{"payload":"eA==","payload":"eQ==","payloadType":"a","signatures":[{"sig":""}]}',
        b'{"payload":"eA==","payloadType":"a","signatures":[{"sig":"","sig":""}]}',
        b'{"payload":NaN,"payloadType":"a","signatures":[]}',
        change(GOOD, payload=None), change(GOOD, payload=1), change(GOOD, payload="eA"),
        change(GOOD, payloadType=None), change(GOOD, payloadType=["a"]),
        change(GOOD, signatures=[]), change(GOOD, signatures={}), change(GOOD, signatures=[1]),
        change(GOOD, signatures=[{"sig": None}]), change(GOOD, payloadType="\ud800"),
        change(GOOD, signatures=[{"keyid": 1, "sig": ""}]),
        change(GOOD, signatures=[{"sig": ""}] * 17),
        b" " * (8 * 1024 * 1024 + 1),
    ],
)  # fmt: skip
@pytest.mark.attack("DSSE in a wrong form", "REJECTED")
def test_what_is_no_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_envelope(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(max_size=60) | JSON.map(lambda v: json.dumps(v).encode()))
def test_strangers_bytes_are_an_envelope_or_a_value_error(raw: bytes) -> None:
    try:
        read_envelope(raw)
    except ValueError:
        return
    pytest.fail("nothing here is an envelope")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "payload": JSON | st.just("eA=="), "payloadType": JSON,
            "signatures": JSON | st.lists(st.fixed_dictionaries({"sig": JSON | st.just("eA==")})),
        },
    )
)  # fmt: skip
def test_nearly_an_envelope_never_raises_anything_else(value: object) -> None:
    try:
        envelope = read_envelope(json.dumps(value).encode())
    except ValueError:
        return
    assert find_signer(envelope, [public_of(KEY)]) is None


@given(JSON)
def test_json_of_whole_numbers_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


def test_agents_are_written_and_read() -> None:
    one, two = public_of(KEY, "b"), public_of(OTHER, "a")
    raw = write_agent_list(AgentList((one, two)))
    assert json.loads(raw).keys() == {"agents"}
    assert read_agent_list(raw) == AgentList((two, one))
    longer = AgentList((one,), (two,), ("{}",))
    assert read_agent_list(write_agent_list(longer)) == longer
    assert read_agent(json.dumps(vars(one) | {"more": 1}).encode()) == one


def test_one_key_under_two_hosts_is_refused() -> None:
    twice = tuple(public_of(KEY, host) for host in ("a", "b"))
    for listed in (AgentList(twice), AgentList((twice[0],), twice, ("{}",))):
        with pytest.raises(ValueError, match="twice"):
            write_agent_list(listed)


def test_a_list_without_agents_or_with_too_many_rotations_is_none() -> None:
    for value in ([], {}, {"agents": [], "rotations": ["{}"] * 1001}):
        with pytest.raises(ValueError, match=r"\w"):
            read_agent_list(json.dumps(value).encode())


@pytest.mark.parametrize(
    "field", [("public", "eA=="), ("keyid", "00"), ("public", "?"), ("public", 1)]
)
def test_a_key_that_is_not_its_id_is_refused(field: tuple[str, object]) -> None:
    row = vars(public_of(KEY)) | dict([field])
    with pytest.raises(ValueError, match=r"\w"):
        read_agent_list(json.dumps({"agents": [row]}).encode())
