"""A new key counts only if the old one says so, and no key value ever comes back."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.appraisal.agents import AgentKey, AgentList, hash_row
from provisioner.core.appraisal.dsse import seal
from provisioner.core.appraisal.rotation import (
    ROTATION_TYPE,
    Rotation,
    choose_agents,
    find_rotation,
    follow_rotations,
    is_behind,
    is_linked,
    read_rotation,
    trace_keys,
)
from provisioner.models.evidence import PAYLOAD_TYPE
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of

NEW, NEWER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (3, 4))
AGENTS = (public_of(KEY), public_of(OTHER, "h2"))


def state(old: Ed25519PrivateKey, new: Ed25519PrivateKey, host: str = "h1") -> Rotation:
    before, after = public_of(old, host), public_of(new, host)
    return Rotation(host, before.keyid, after.keyid, after.public, "2026-05-01T12:00:00Z")


def rotate(old: Ed25519PrivateKey, new: Ed25519PrivateKey, host: str = "h1") -> bytes:
    return state(old, new, host).seal(old)


def test_the_old_key_names_the_new_one() -> None:
    assert read_rotation(rotate(KEY, NEW), AGENTS) == public_of(NEW)
    assert follow_rotations(AGENTS, [rotate(KEY, NEW)]) == (public_of(NEW), AGENTS[1])


def test_rotations_are_followed_one_after_the_other() -> None:
    chain = [rotate(KEY, NEW), rotate(NEW, NEWER)]
    assert follow_rotations(AGENTS, chain) == (public_of(NEWER), AGENTS[1])
    assert follow_rotations(AGENTS, []) == AGENTS
    with pytest.raises(ValueError, match="no enrolled agent"):
        follow_rotations(AGENTS, reversed(chain))


def test_a_replaced_key_counts_no_longer() -> None:
    with pytest.raises(ValueError, match="no enrolled agent"):
        follow_rotations(AGENTS, [rotate(KEY, NEW), rotate(KEY, NEWER)])
    with pytest.raises(ValueError, match="no enrolled agent"):
        follow_rotations(AGENTS, [rotate(KEY, NEW)] * 2)


def test_no_key_value_is_used_twice() -> None:
    with pytest.raises(ValueError, match="in use"):
        read_rotation(rotate(KEY, KEY), AGENTS)
    with pytest.raises(ValueError, match="in use"):
        read_rotation(rotate(KEY, OTHER), AGENTS)
    with pytest.raises(ValueError, match="used before"):
        follow_rotations(AGENTS, [rotate(KEY, NEW), rotate(NEW, KEY)])


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (state(KEY, NEW, "h2"), "another key"),
        (state(OTHER, NEW), "another key"),
        (replace(state(KEY, NEW), new_keyid=public_of(NEWER).keyid), "does not match"),
        (replace(state(KEY, NEW), new_public=public_of(NEWER).public), "does not match"),
        (replace(state(KEY, NEW), new_public=base64.b64encode(b"short").decode()), "not match"),
        (replace(state(KEY, NEW), new_public="?"), r"\w"),
        (replace(state(KEY, NEW), new_public="é"), "base64"),
        (replace(state(KEY, NEW), made_at="yesterday"), "not a moment"),
    ],
)
def test_a_signed_statement_that_is_not_right_is_refused(stated: Rotation, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_rotation(stated.seal(KEY), AGENTS)


def test_only_the_old_key_may_say_so() -> None:
    stated = state(KEY, NEW)
    for signer in (NEW, NEWER):
        with pytest.raises(ValueError, match="no enrolled agent"):
            read_rotation(stated.seal(signer), AGENTS)
    with pytest.raises(ValueError, match="another key"):
        read_rotation(stated.seal(OTHER), AGENTS)


def test_a_report_is_no_rotation() -> None:
    payload = json.dumps(asdict(state(KEY, NEW))).encode()
    with pytest.raises(ValueError, match="something else"):
        read_rotation(seal(PAYLOAD_TYPE, payload, KEY), AGENTS)


@pytest.mark.parametrize("name", [*asdict(state(KEY, NEW))])
def test_nothing_may_be_missing(name: str) -> None:
    stated = {k: v for k, v in asdict(state(KEY, NEW)).items() if k != name}
    with pytest.raises(ValueError, match="missing"):
        read_rotation(seal(ROTATION_TYPE, json.dumps(stated).encode(), KEY), AGENTS)


@given(st.data())
def test_a_changed_byte_never_makes_another_key(data: st.DataObject) -> None:
    raw = bytearray(rotate(KEY, NEW))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert read_rotation(bytes(raw), AGENTS) == public_of(NEW)
    except ValueError:
        return


@given(st.binary(max_size=300))
def test_any_signed_bytes_are_read_or_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_rotation(seal(ROTATION_TYPE, payload, KEY), AGENTS)
    with pytest.raises(ValueError, match=r"\w"):
        read_rotation(payload, AGENTS)


# -- what a reader makes of the published list ----------------------------------------------------

ONE, TWO = rotate(KEY, NEW), rotate(NEW, NEWER)
FIRST, SECOND, THIRD = public_of(KEY), public_of(NEW), public_of(NEWER)
LISTED = AgentList((THIRD,), (FIRST,), (ONE.decode(), TWO.decode()))


def logged(*keys: Ed25519PrivateKey) -> list[str]:
    return [hash_row(public_of(key)) for key in keys]


def test_a_verifier_follows_from_a_key_it_once_saw_to_the_present_one() -> None:
    assert trace_keys(LISTED, "h1") == (FIRST, SECOND, THIRD)
    assert trace_keys(LISTED, "h2") == ()
    broken = replace(LISTED, rotations=(ONE.decode(), rotate(KEY, NEWER).decode()))
    assert trace_keys(broken, "h1") == (FIRST, SECOND)
    for raw in ("{", "\ud800", rotate(OTHER, NEW).decode()):
        assert trace_keys(replace(LISTED, rotations=(raw,)), "h1") == (FIRST,)


def test_each_logged_key_has_to_be_signed_for_by_the_one_before() -> None:
    for known in (logged(), logged(KEY), logged(KEY, NEW), logged(KEY, NEW, NEWER)):
        assert is_linked(LISTED, "h1", known)
    for known in (logged(KEY, NEWER), logged(NEW, NEWER), logged(KEY, NEW, NEWER, OTHER)):
        assert not is_linked(LISTED, "h1", known)
    assert not is_linked(AgentList((SECOND,)), "h1", logged(KEY, NEW))


@pytest.mark.parametrize("listed_key", [FIRST, SECOND])
def test_the_log_says_which_of_two_keys_counts(listed_key: AgentKey) -> None:
    """Before the list and before the log have the new one: never both, never none."""
    listed = AgentList((listed_key,), (FIRST,), (ONE.decode(),))
    assert choose_agents(listed, {"h1": logged(KEY)}) == (FIRST,)
    assert choose_agents(listed, {"h1": logged(KEY, NEW)}) == (SECOND,)
    assert choose_agents(listed, {}) == (listed_key,)
    assert choose_agents(listed, {"h1": logged(KEY, OTHER)}) == (listed_key,)


def test_a_list_that_is_older_than_the_log_is_asked_for_again() -> None:
    assert is_behind(AgentList((FIRST,)), {"h1": logged(KEY, NEW)})
    assert not is_behind(AgentList((FIRST,)), {"h1": logged(KEY)})
    assert not is_behind(AgentList((FIRST,)), {})
    assert not is_behind(LISTED, {"h1": logged(KEY, NEW)})


def test_the_statement_of_a_key_is_found() -> None:
    assert find_rotation(LISTED, THIRD) == TWO.decode()
    with pytest.raises(LookupError):
        find_rotation(LISTED, FIRST)
