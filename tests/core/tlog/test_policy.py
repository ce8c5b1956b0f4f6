"""Policies: who counts and how many are enough, and nothing that is enough by accident."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.note import COSIGNATURE_V1, ED25519, Note, NoteKey, write_vkey
from provisioner.core.tlog.policy import (
    MAX_CHARACTERS,
    KnownLog,
    KnownWitness,
    Policy,
    WitnessGroup,
    count_witnesses,
    is_satisfied,
    read_policy,
    write_policy,
)
from tests.core.tlog.golden import TEXT


def private(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def key_of(number: int, algorithm: int = COSIGNATURE_V1) -> NoteKey:
    public = private(number).public_key().public_bytes_raw()
    return NoteKey(f"w{number}.example", algorithm, public)


LOG = write_vkey(key_of(100, ED25519))
V1, V2, V3, V4, V5, V6 = (write_vkey(key_of(number)) for number in range(1, 7))

# The example of tlog-policy, with keys.
EXAMPLE = f"""log {LOG}

witness X1 {V1}
witness X2 {V2}
witness X3 {V3}
group X-witnesses 2 X1 X2 X3

witness Y1 {V4}
witness Y2 {V5}
witness Y3 {V6}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")


def test_the_specifications_example_asks_for_two_of_one_and_one_of_the_other() -> None:
    policy = read_policy(EXAMPLE)
    for some in chain.from_iterable(combinations(NAMES, count) for count in range(7)):
        enough = sum(n[0] == "X" for n in some) >= 2 and sum(n[0] == "Y" for n in some) >= 1
        assert is_satisfied(policy, set(some)) == enough


def test_the_values_of_the_example() -> None:
    policy = read_policy(EXAMPLE)
    assert policy.logs == (KnownLog(key_of(100, ED25519)),)
    assert policy.witnesses[0] == KnownWitness("X1", key_of(1))
    assert policy.groups[2] == WitnessGroup("X-and-Y", 2, ("X-witnesses", "Y-witnesses"))
    assert read_policy(write_policy(policy)) == policy


def test_space_comments_order_and_urls_are_as_the_specification_says() -> None:
    text = (
        f"# one\n\t # two\n\n \t\n  witness\tß  {V1}\thttps://one.example/ü \n"
        f"quorum \t ß\nlog {LOG} https://log.example\n witness b {V2}\n"
    )
    policy = read_policy(text)
    assert policy.witnesses[0] == KnownWitness("ß", key_of(1), "https://one.example/ü")
    assert policy.logs[0].url == "https://log.example"
    assert (policy.quorum, len(policy.witnesses)) == ("ß", 2)


def test_a_quorum_of_one_witness() -> None:
    policy = read_policy(f"witness a {V1}\nwitness b {V2}\nquorum b\n")
    assert is_satisfied(policy, {"b"})
    assert not is_satisfied(policy, {"a", "c", "none"})


def test_a_policy_may_be_long() -> None:
    text = "\nquorum none\n"
    assert read_policy("#" * (MAX_CHARACTERS - len(text)) + text).quorum == "none"
    assert MAX_CHARACTERS == 262_144


def test_no_quorum_has_to_be_written_out() -> None:
    assert is_satisfied(read_policy("quorum none\n"), set())
    with pytest.raises(ValueError, match="no quorum"):
        read_policy(f"log {LOG}\nwitness a {V1}\n")


def test_names_of_groups_and_strangers_count_nothing() -> None:
    policy = read_policy(EXAMPLE)
    assert not is_satisfied(policy, {"X-and-Y", "X-witnesses", "Y-witnesses", "Z"})


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# none\n", "quorum none", "quorum none\nquorum none\n", "quorum\n",
        "quorum none none\n", "quorum a\n", "quorum NONE\n", "Quorum none\n", "quorum\u00a0none\n",
        "quorum none\r\n", "quorum none\x0b\n", "quorum none # why\n", "what\nquorum none\n",
        "# \x7f\nquorum none\n", "quorum none\ud800\n", "#\0\nquorum none\n",
        f"quorum a\nwitness a {V1}\n", f"witness a {V1}\n",
        f"log {LOG}\nlog {LOG}\nquorum none\n", "log\nquorum none\n",
        f"log {LOG} u v\nquorum none\n",
        f"log {V1}\nquorum none\n", f"log {LOG[:-1]}\nquorum none\n", f"log x {LOG}\nquorum none\n",
        f"witness a {LOG}\nquorum a\n", f"witness {V1}\nquorum none\n",
        f"witness a {V1} u v\nquorum a\n", f"witness a {V1}\nwitness a {V2}\nquorum a\n",
        f"witness a {V1}\nwitness b {V1}\nquorum a\n", f"witness none {V1}\nquorum none\n",
        f"witness a {V1}\ngroup a any a\nquorum a\n", f"witness a {V1}\ngroup g any\nquorum g\n",
        f"witness a {V1}\ngroup g 0 a\nquorum g\n", f"witness a {V1}\ngroup g 2 a\nquorum g\n",
        f"witness a {V1}\ngroup g 01 a\nquorum g\n", f"witness a {V1}\ngroup g -1 a\nquorum g\n",
        f"witness a {V1}\ngroup g many a\nquorum g\n", f"witness a {V1}\ngroup g 1 a a\nquorum g\n",
        f"witness a {V1}\ngroup g 1 a none\nquorum g\n", f"witness a {V1}\ngroup g 1 b\nquorum g\n",
        f"witness a {V1}\ngroup g any a g\nquorum g\n",
        f"witness a {V1}\ngroup none any a\nquorum none\n",
        f"witness a {V1}\ngroup g any a\ngroup h any a\nquorum g\n",
        f"group g any a\nwitness a {V1}\nquorum g\n", f"group\nwitness a {V1}\nquorum a\n",
        "#" * MAX_CHARACTERS + "\nquorum none\n",
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_policy(text)


def test_one_key_value_under_two_names_is_refused() -> None:
    """The key ids differ, the key does not; also a log that would be its own witness."""
    again = NoteKey("other.example", COSIGNATURE_V1, key_of(1).public)
    as_log = NoteKey("w1.example", ED25519, key_of(1).public)
    for logs, witnesses in (
        ((), (KnownWitness("a", key_of(1)), KnownWitness("b", again))),
        ((KnownLog(as_log), KnownLog(NoteKey("l", ED25519, as_log.public))), ()),
        ((KnownLog(as_log),), (KnownWitness("a", key_of(1)),)),
    ):
        with pytest.raises(ValueError, match="key twice"):
            Policy(logs, witnesses, (), "none")


@pytest.mark.parametrize("quorum", ["", "a", "g"])
def test_a_policy_that_was_made_by_hand_is_judged_too(quorum: str) -> None:
    with pytest.raises(ValueError, match="quorum"):
        Policy((), (), (), quorum)


@pytest.mark.parametrize(
    "policy",
    [
        Policy((), (KnownWitness("a b", key_of(1)),), (), "none"),
        Policy((), (KnownWitness("", key_of(1)),), (), "none"),
        Policy((), (KnownWitness("a\nquorum none", key_of(1)),), (), "none"),
        Policy((), (KnownWitness("a", key_of(1), "u v"),), (), "none"),
        Policy((KnownLog(key_of(1, ED25519), "u\tv"),), (), (), "none"),
    ],
)
def test_what_cannot_be_a_line_is_not_written(policy: Policy) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write_policy(policy)


@given(st.integers(1, 40), st.data())
def test_any_threshold_of_any_number(count: int, data: st.DataObject) -> None:
    threshold = data.draw(st.integers(1, count))
    witnesses = tuple(KnownWitness(f"n{n}", key_of(n + 1)) for n in range(count))
    names = [witness.name for witness in witnesses]
    policy = Policy((), witnesses, (WitnessGroup("g", threshold, tuple(names)),), "g")
    assert read_policy(write_policy(policy)) == policy
    some = data.draw(st.sets(st.sampled_from(names)))
    assert is_satisfied(policy, some) == (len(some) >= threshold)


def test_a_tower_of_groups_is_no_trap() -> None:
    lines = [f"witness g0 {V1}", *(f"group g{n} all g{n - 1}" for n in range(1, 8_000))]
    policy = read_policy("\n".join([*lines, "quorum g7999", ""]))
    assert is_satisfied(policy, {"g0"})
    assert not is_satisfied(policy, {"g7999"})


# -- counting ------------------------------------------------------------------------------------


def cosigned(*numbers: int) -> Note:
    return Note(
        TEXT,
        tuple(cosign(TEXT, key_of(n).name, private(n), 1000 + n) for n in numbers),
    )


def test_witnesses_are_counted_by_the_policys_names() -> None:
    policy = read_policy(EXAMPLE)
    assert count_witnesses(cosigned(2, 4, 50), policy) == {"X2": 1002, "Y1": 1004}
    assert not is_satisfied(policy, set(count_witnesses(cosigned(2, 4, 50), policy)))
    assert is_satisfied(policy, set(count_witnesses(cosigned(3, 2, 4), policy)))


def test_one_witness_that_signs_thrice_counts_once() -> None:
    policy = read_policy(EXAMPLE)
    assert count_witnesses(cosigned(2, 2, 2), policy) == {"X2": 1002}


def test_a_bad_cosignature_of_a_known_witness_refuses_the_note() -> None:
    good, known = cosigned(2, 1).signatures
    forged = replace(known, signature=known.signature[:-1] + b"\0")
    for signatures in ((good, forged), (forged, good, known)):
        with pytest.raises(ValueError, match="not valid"):
            count_witnesses(Note(TEXT, signatures), read_policy(EXAMPLE))
