"""Who built an image again and got the same: known keys, and how many of them it takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provisioner.core.appraisal.agents import key_id
from provisioner.core.appraisal.dsse import Envelope, list_signers, read_envelope
from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.core.provenance import digest_of
from provisioner.core.tlog.atoms import read_base64
from provisioner.models.evidence import PAYLOAD_TYPE


@dataclass(frozen=True)
class Rebuilder:
    """The public half of somebody's key. `public` is base64 of the 32 raw bytes."""

    name: str
    keyid: str
    public: str

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> Rebuilder:
        raw = key.public_key().public_bytes_raw()
        return cls(name, key_id(raw), base64.b64encode(raw).decode("ascii"))

    @cached_property
    def verifier(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public))


@dataclass(frozen=True)
class RebuildPolicy:
    """Whose rebuilds count (n keys), and how many of them each image needs (k).

    With `needed` 0 they are only counted. Raises ValueError when it can never be kept.
    """

    keys: tuple[Rebuilder, ...] = ()
    needed: int = 0

    def __post_init__(self) -> None:
        if len({each.public for each in self.keys}) < len(self.keys):
            raise ValueError("one rebuilder's key is listed twice")
        if not 0 <= self.needed <= len(self.keys):
            raise ValueError("more rebuilders are needed than are known")

    def add(self, key: Rebuilder) -> RebuildPolicy:
        """The same with one more key, unless it is known already."""
        if any(each.public == key.public for each in self.keys):
            return self
        return RebuildPolicy((*self.keys, key), self.needed)


@dataclass(frozen=True)
class _Listed:
    rebuilders: tuple[Rebuilder, ...]
    needed: int = 0


def read_policy(raw: bytes) -> RebuildPolicy:
    """`{"needed": k, "rebuilders": [{"name", "keyid", "public"}]}`. Raises ValueError."""
    listed = build(_Listed, read_json(raw))
    for each in listed.rebuilders:
        public = read_base64(each.public)
        if len(public) != 32 or each.keyid != key_id(public):
            raise ValueError("a rebuilder's key does not match its id")
    return RebuildPolicy(listed.rebuilders, listed.needed)


def write_policy(policy: RebuildPolicy) -> bytes:
    """The same as JSON, in the order of the keys."""
    rows = [{"name": e.name, "keyid": e.keyid, "public": e.public} for e in policy.keys]
    return json.dumps({"needed": policy.needed, "rebuilders": rows}, indent=1).encode() + b"\n"


def count_rebuilders(
    envelopes: Iterable[bytes], known_keys: Iterable[Rebuilder], statement: str
) -> int:
    """How many different known keys signed the statement with this digest, `sha256:…`.

    Anything else in the envelopes counts for nothing: other statements, unknown keys, a key that
    signed twice or is known under two names, and what is no envelope at all.
    """
    return len({each.public for each in find_rebuilders(envelopes, known_keys, statement)})


def find_rebuilders(
    envelopes: Iterable[bytes], known_keys: Iterable[Rebuilder], statement: str
) -> tuple[Rebuilder, ...]:
    """The known keys that `count_rebuilders` counts."""
    known = tuple(known_keys)
    found: dict[str, Rebuilder] = {}
    for raw in envelopes:
        envelope = open_rebuild(raw, statement)
        for key in list_signers(envelope, known) if envelope else ():
            found.setdefault(key.public, key)
    return tuple(found.values())


def open_rebuild(raw: bytes, statement: str) -> Envelope | None:
    """The envelope, if it is one around the statement with this digest. Whose it is, is open."""
    try:
        envelope = read_envelope(raw)
    except ValueError:
        return None
    is_same = envelope.payload_type == PAYLOAD_TYPE and digest_of(envelope.payload) == statement
    return envelope if is_same else None
