"""Signed notes: the well-known examples, and everything that is not one."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    ED25519,
    MAX_BYTES,
    MAX_SIGNATURES,
    Note,
    NoteKey,
    NoteSignature,
    check_signature,
    key_id_of,
    read_note,
    read_signatures,
    read_vkey,
    sign_note,
    write_note,
    write_signatures,
    write_vkey,
)

# Go's sumdb/note, which defined the format.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
QUOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
BY_PETER = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"  # noqa: E501
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"  # noqa: E501

# The examples of the signed-note specification.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"  # noqa: E501
QUASIMODO = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"  # noqa: E501

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
SIGNATURE = NoteSignature("a.example", b"\0\1\2\3", b"x")


def peter_private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(PETER_SECRET)[1:])


# -- the well-known examples ---------------------------------------------------------------------


def test_peter_neumanns_note_is_read_checked_and_made_again() -> None:
    raw = f"{QUOTE}\n{BY_PETER}".encode()
    note = read_note(raw)
    assert note.text == QUOTE
    assert check_signature(note, read_vkey(PETER))
    assert note.signatures == (sign_note(QUOTE, "PeterNeumann", peter_private()),)
    assert write_note(note) == raw


def test_a_second_signer_is_found_too_and_a_stranger_is_not() -> None:
    note = read_note(f"{QUOTE}\n{BY_PETER}{BY_ENOCH}".encode())
    assert check_signature(note, read_vkey(PETER))
    assert check_signature(note, read_vkey(ENOCH))
    assert not check_signature(note, read_vkey(FOO))


def test_the_specifications_examples() -> None:
    assert check_signature(read_note(FOO_NOTE.encode()), read_vkey(FOO))
    note = read_note(QUASIMODO.encode())
    assert note.text.count("\n\n") == 1  # the text is split off at the last empty line
    assert [each.name for each in note.signatures] == ["quasimodo.example/salvatore"]
    assert write_note(note) == QUASIMODO.encode()


@pytest.mark.parametrize("vkey", [PETER, ENOCH, FOO])
def test_keys_are_written_back(vkey: str) -> None:
    key = read_vkey(vkey)
    assert write_vkey(key) == vkey
    assert key.key_id.hex() == vkey.split("+")[1]


# -- checking ------------------------------------------------------------------------------------


def test_a_known_key_with_a_bad_signature_refuses_the_note() -> None:
    note = read_note(f"{QUOTE}\n{BY_PETER}".encode())
    for changed in (
        replace(note, text=note.text + "\n"),
        replace(note, text=note.text.replace("answer", "answr")),
        replace(note, signatures=(replace(note.signatures[0], signature=bytes(64)),)),
        replace(note, signatures=(replace(note.signatures[0], signature=b"x"),)),
        replace(
            note,
            signatures=(*note.signatures, replace(note.signatures[0], signature=bytes(64))),
        ),
    ):
        with pytest.raises(ValueError, match="not valid"):
            check_signature(changed, read_vkey(PETER))


def test_one_name_or_one_id_alone_is_a_stranger() -> None:
    (signature,) = read_note(f"{QUOTE}\n{BY_PETER}".encode()).signatures
    for other in (replace(signature, name="Peter"), replace(signature, key_id=b"\0\0\0\0")):
        assert not check_signature(Note(QUOTE, (other,)), read_vkey(PETER))


def test_two_keys_with_one_name_and_id_are_told_apart_by_the_signature() -> None:
    key = NoteKey("a.example", ED25519, PUBLIC)
    forged = NoteSignature("a.example", key.key_id, peter_private().sign(b"text\n"))
    with pytest.raises(ValueError, match="not valid"):
        check_signature(Note("text\n", (forged,)), key)


@given(st.integers(0, 64 * 8 - 1))
def test_no_bit_of_a_signature_may_differ(bit: int) -> None:
    signed = sign_note("text\n", "a.example", KEY)
    flipped = (int.from_bytes(signed.signature, "big") ^ 1 << bit).to_bytes(64, "big")
    key = NoteKey("a.example", ED25519, PUBLIC)
    assert check_signature(Note("text\n", (signed,)), key)
    with pytest.raises(ValueError, match="not valid"):
        check_signature(Note("text\n", (replace(signed, signature=flipped),)), key)


def test_a_witness_key_does_not_check_notes() -> None:
    with pytest.raises(ValueError, match="not a key for notes"):
        check_signature(read_note(FOO_NOTE.encode()), NoteKey("w", COSIGNATURE_V1, PUBLIC))


# -- reading and writing -------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs",), min_codepoint=0x20) | st.just("\n")).map(
    lambda text: text + "\n"
)
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="+"),
    min_size=1,
)
SIGNATURES = st.builds(
    NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)
)


@given(TEXTS, st.lists(SIGNATURES, min_size=1, max_size=5))
def test_what_is_written_is_read(text: str, signatures: list[NoteSignature]) -> None:
    note = Note(text, tuple(signatures))
    assert read_note(write_note(note)) == note
    assert read_signatures(write_signatures(signatures)) == note.signatures


@given(TEXTS, NAMES, st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_signed_by_that_key_only(text: str, name: str, seed: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key = NoteKey(name, ED25519, private.public_key().public_bytes_raw())
    note = read_note(write_note(Note(text, (sign_note(text, name, private),))))
    assert check_signature(note, key)
    assert read_vkey(write_vkey(key)) == key
    assert not check_signature(note, NoteKey(name, ED25519, PUBLIC))


@pytest.mark.parametrize("count", [16, MAX_SIGNATURES])
def test_many_signatures_are_read(count: int) -> None:
    note = Note("text\n", (SIGNATURE,) * count)
    assert read_note(write_note(note)) == note


def by_peter(old: str, new: str) -> bytes:
    """A note whose line of signature has something else instead of `old`."""
    assert old in BY_PETER
    return f"text\n\n{BY_PETER.replace(old, new)}".encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\n", b"text\n", b"text\n\n", b"text\n\n\n", b"text",
        f"text\n{BY_PETER}".encode(), f"text\n\n{BY_PETER}\n".encode(),
        f"te\rxt\n\n{BY_PETER}".encode(), f"te\txt\n\n{BY_PETER}".encode(),
        f"te\0xt\n\n{BY_PETER}".encode(), b"te\xffxt\n\n" + BY_PETER.encode(),
        by_peter("=\n", "="), by_peter("=\n", "=\nx\n"), by_peter("=\n", "=\r\n"),
        by_peter("— ", "- "), by_peter("— ", "—"), by_peter("— ", "—  "), by_peter("— ", ""),
        by_peter("Neu", "Neu "), by_peter("Neu", "Neu+"), by_peter("Neu", "Neu\u00a0"),
        by_peter("Neu", "Neu\u2028"), by_peter("PeterNeumann", ""), by_peter("nAM=", "nAN="),
        by_peter("nAM=", "nAM"), by_peter("nAM=", "nAM= "), by_peter("/", "_"),
        "text\n\n— a AAAAAA==\n".encode(), "text\n\n— a \n".encode(), "text\n\n— a\n".encode(),
        ("text\n\n" + "— a AAAAAAA=\n" * (MAX_SIGNATURES + 1)).encode(),
        b"x" * MAX_BYTES + b"\n\n" + BY_PETER.encode(),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_note(raw)


@pytest.mark.parametrize(
    "note",
    [
        Note("text", (SIGNATURE,)), Note("", (SIGNATURE,)), Note("te\rxt\n", (SIGNATURE,)),
        Note("\ud800\n", (SIGNATURE,)), Note("text\n", ()),
        Note("text\n", (SIGNATURE,) * (MAX_SIGNATURES + 1)),
        Note("text\n", (replace(SIGNATURE, name="a b"),)),
        Note("text\n", (replace(SIGNATURE, name="a\n— b"),)),
        Note("text\n", (replace(SIGNATURE, name="\ud800"),)),
        Note("text\n", (replace(SIGNATURE, key_id=b"\0" * 5),)),
        Note("text\n", (replace(SIGNATURE, key_id=b"\0" * 3, signature=b"xx"),)),
        Note("text\n", (replace(SIGNATURE, signature=b""),)),
    ],
)  # fmt: skip
def test_what_is_no_note_is_not_written(note: Note) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write_note(note)


@pytest.mark.parametrize(("text", "name"), [("text", "a"), ("t\r\n", "a"), ("text\n", "a b"),
                                            ("text\n", ""), ("text\n", "a+b")])  # fmt: skip
def test_what_is_no_note_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sign_note(text, name, KEY)


# -- keys ----------------------------------------------------------------------------------------


def make_vkey(material: bytes, name: str = "a") -> str:
    key_id = key_id_of(name, material[0], material[1:]) if material else b"\0" * 4
    return f"{name}+{key_id.hex()}+{base64.b64encode(material).decode()}"


def test_a_key_is_one_text() -> None:
    assert read_vkey(make_vkey(b"\1" + PUBLIC)) == NoteKey("a", ED25519, PUBLIC)
    assert read_vkey(make_vkey(b"\4" + PUBLIC)) == NoteKey("a", COSIGNATURE_V1, PUBLIC)


@pytest.mark.parametrize(
    "vkey",
    [
        "", "a", "a+b", "++", "a+00000000+", FOO.replace("530d903a", "530D903A"),
        FOO.replace("530d903a", "530d903b"), FOO.replace("530d903a", "0530d903a"),
        FOO.replace("530d903a", "30d903a"), FOO.replace("example", "examplf"), FOO + "=",
        FOO + "\n", " " + FOO, FOO[:-1], FOO.replace("530d903a", "５30d903a"),
        make_vkey(b""), make_vkey(b"\1"), make_vkey(b"\1" + PUBLIC[:-1]),
        make_vkey(b"\1" + PUBLIC + b"x"), make_vkey(b"\1" + PUBLIC, ""),
        make_vkey(b"\1" + PUBLIC, "a b"), make_vkey(b"\2" + PUBLIC), make_vkey(b"\6" + PUBLIC),
        make_vkey(b"\xff" + PUBLIC),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_vkey(vkey)
