"""Signed notes and their keys (signed-note): text, and lines of signatures below it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provisioner.core.tlog.atoms import check_text, read_base64, write_base64

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100
_HEX_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class NoteSignature:
    """One line: who claims to have signed, the 4 bytes of the key's id, and what was signed."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """`text` is lines, the last one ended. Nothing in it counts before a signature is checked."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True)
class NoteKey:
    """A known key: `public` is the 32 bytes of an Ed25519 key, `algorithm` a signature type.

    Raises ValueError for a name that no note can bear, and for types that are not read here.
    """

    name: str
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.algorithm not in (ED25519, COSIGNATURE_V1):
            raise ValueError("a key of an unknown type")
        if len(self.public) != 32:
            raise ValueError("not the length of a key")

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.name, self.algorithm, self.public)


def read_note(raw: bytes) -> Note:
    """The text is split off at the last empty line (signed-note, “Format”). Raises ValueError."""
    if len(raw) > MAX_BYTES:
        raise ValueError("the note is too long")
    try:
        content = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    check_text(content)
    text, blank, lines = content.rpartition("\n\n")
    if not blank:
        raise ValueError("the note has no signatures")
    return Note(text + "\n", read_signatures(lines))


def write_note(note: Note) -> bytes:
    """Raises ValueError for a note that could not be read again as it is."""
    check_text(note.text)
    raw = f"{note.text}\n{write_signatures(note.signatures)}".encode()
    if read_note(raw) != note:
        raise ValueError("not a note")
    return raw


def read_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Signature lines alone, as a witness answers with them. Raises ValueError."""
    check_text(lines)
    found = lines[:-1].split("\n")
    if len(found) > MAX_SIGNATURES:
        raise ValueError("the note has too many signatures")
    return tuple(_read_signature(line) for line in found)


def write_signatures(signatures: Iterable[NoteSignature]) -> str:
    """One line each: em dash, name, base64 of key id and signature (signed-note, “Format”)."""
    return "".join(
        f"— {each.name} {write_base64(each.key_id + each.signature)}\n" for each in signatures
    )


def key_id_of(name: str, algorithm: int, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || type || public)[:4] (signed-note, “Signatures”)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def read_vkey(text: str) -> NoteKey:
    """`<name>+<hex id>+<base64 of type and key>` (signed-note, “Verifier keys”). ValueError."""
    name, _, rest = text.partition("+")
    hex_id, plus, encoded = rest.partition("+")
    if not plus or not _HEX_ID.fullmatch(hex_id):
        raise ValueError("not a verifier key")
    material = read_base64(encoded)
    if not material:
        raise ValueError("not a verifier key")
    key = NoteKey(name, material[0], material[1:])
    if key.key_id.hex() != hex_id:
        raise ValueError("the key does not match its id")
    return key


def write_vkey(key: NoteKey) -> str:
    """The verifier key that `read_vkey` reads."""
    return f"{key.name}+{key.key_id.hex()}+{write_base64(bytes([key.algorithm]) + key.public)}"


def sign_note(text: str, name: str, private: Ed25519PrivateKey) -> NoteSignature:
    """A signature of type 0x01 over the text (signed-note, “Ed25519 signatures”). ValueError."""
    check_text(text)
    key = NoteKey(name, ED25519, private.public_key().public_bytes_raw())
    return NoteSignature(name, key.key_id, private.sign(text.encode()))


def check_signature(note: Note, key: NoteKey) -> bool:
    """Whether this key, of type 0x01, signed the note. Signatures of other keys are ignored.

    Raises ValueError when a signature bears the key's name and id and is not valid: such a note
    is refused whole (signed-note, “Signatures”).
    """
    if key.algorithm != ED25519:
        raise ValueError("not a key for notes")
    found = find_signatures(note, key)
    for signature in found:
        check_ed25519(key, note.text.encode(), signature)
    return bool(found)


def find_signatures(note: Note, key: NoteKey) -> list[bytes]:
    """All that bear the key's name and id, not checked yet."""
    wanted = (key.name, key.key_id)
    return [each.signature for each in note.signatures if (each.name, each.key_id) == wanted]


def check_ed25519(key: NoteKey, message: bytes, signature: bytes) -> None:
    """Raises ValueError unless the key signed the message (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise ValueError("a signature of a known key is not valid") from None


def check_name(name: str) -> None:
    """Raises ValueError for what cannot be a key's name (signed-note, “Format”)."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise ValueError("not a name of a key")
    check_text(f"{name}\n")


def _read_signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, space, encoded = rest.partition(" ")
    if dash != "—" or not space:
        raise ValueError("not a line of a signature")
    check_name(name)
    content = read_base64(encoded)
    if len(content) < 5:
        raise ValueError("a signature is too short")
    return NoteSignature(name, content[:4], content[4:])
