"""DSSE envelopes, version 1.0.2 of the specification: sign, read and verify with Ed25519."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provisioner.core.appraisal.agents import key_id
from provisioner.core.appraisal.strict_json import read_json

MAX_BYTES = 8 * 1024 * 1024
MAX_SIGNATURES = 16


class PublicKey(Protocol):
    """Whatever can say with which key a signature is to be tried."""

    @property
    def verifier(self) -> Ed25519PublicKey: ...


K = TypeVar("K", bound=PublicKey)


@dataclass(frozen=True)
class Signature:
    """`keyid` is a hint that nobody signed: it is shown, never trusted (protocol.md)."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def encode_pae(payload_type: str, payload: bytes) -> bytes:
    """The Pre-Authentication Encoding, the bytes that are really signed (protocol.md)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload_type: str, payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """The JSON envelope of `payload` with one signature, standard base64."""
    return _write(Envelope(payload_type, payload, (_sign(payload_type, payload, key),)))


def append_signature(raw: bytes, key: Ed25519PrivateKey) -> bytes:
    """The envelope with one more signature over the same bytes; the others stay as they are.

    Raises ValueError for what is no envelope, for one that is full, and when `key` has signed it
    already: the specification would count it once, but many readers count signatures.
    """
    envelope = read_envelope(raw)
    public = key.public_key()
    message = encode_pae(envelope.payload_type, envelope.payload)
    if any(_is_signed(public, each.sig, message) for each in envelope.signatures):
        raise ValueError("this key has signed it already")
    if len(envelope.signatures) >= MAX_SIGNATURES:
        raise ValueError("it has as many signatures as it may have")
    added = _sign(envelope.payload_type, envelope.payload, key)
    return _write(replace(envelope, signatures=(*envelope.signatures, added)))


def read_envelope(raw: bytes) -> Envelope:
    """Raises ValueError for anything the specification's parsing rules do not allow."""
    if len(raw) > MAX_BYTES:
        raise ValueError("larger than a report may be")
    value = read_json(raw)
    if not isinstance(value, dict):
        raise ValueError("not a signed envelope")
    signatures = value.get("signatures")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise ValueError("not signed")
    payload_type = _text(value, "payloadType")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in payload_type):
        raise ValueError("payloadType is not text")
    return Envelope(
        payload_type,
        decode_base64(_text(value, "payload")),
        tuple(_read_signature(each) for each in signatures),
    )


def find_signer(envelope: Envelope, keys: Iterable[K]) -> K | None:
    """The first of `keys` that signed the envelope, or None. One is enough."""
    return next(list_signers(envelope, keys), None)


def list_signers(envelope: Envelope, keys: Iterable[K]) -> Iterator[K]:
    """Those of `keys` that signed the envelope."""
    message = encode_pae(envelope.payload_type, envelope.payload)
    for key in keys:
        if any(_is_signed(key.verifier, each.sig, message) for each in envelope.signatures):
            yield key


def decode_base64(text: str) -> bytes:
    """Standard or URL-safe alphabet (not both at once), padded as RFC 4648 §3.2 asks."""
    if not text.isascii() or (set("+/") & set(text) and set("-_") & set(text)):
        raise ValueError("not base64")
    standard = text.translate(str.maketrans("-_", "+/"))
    try:
        decoded = base64.b64decode(standard, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if base64.b64encode(decoded).decode("ascii") != standard:
        raise ValueError("not base64 in its one right form")
    return decoded


def _read_signature(value: object) -> Signature:
    if not isinstance(value, dict):
        raise ValueError("not a signature")
    keyid = value.get("keyid", "")
    if not isinstance(keyid, str):
        raise ValueError("keyid is not text")
    return Signature(keyid, decode_base64(_text(value, "sig")))


def _text(value: dict[str, object], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str):
        raise ValueError(f"{name} is missing")
    return text


def _sign(payload_type: str, payload: bytes, key: Ed25519PrivateKey) -> Signature:
    sig = key.sign(encode_pae(payload_type, payload))
    return Signature(key_id(key.public_key().public_bytes_raw()), sig)


def _write(envelope: Envelope) -> bytes:
    value = {
        "payload": base64.b64encode(envelope.payload).decode("ascii"),
        "payloadType": envelope.payload_type,
        "signatures": [
            {"keyid": each.keyid, "sig": base64.b64encode(each.sig).decode("ascii")}
            for each in envelope.signatures
        ],
    }
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _is_signed(key: Ed25519PublicKey, sig: bytes, message: bytes) -> bool:
    try:
        key.verify(sig, message)
    except InvalidSignature:
        return False
    return True
