"""Unguessable words: minted ones, of which only the digest is kept, and derived ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


def mint() -> str:
    """32 random bytes, safe inside an address."""
    return secrets.token_urlsafe(32)


def short() -> str:
    """128 random bits for the public name of a photo or a visit."""
    return secrets.token_urlsafe(16)


def digest(token: str) -> str:
    """SHA-256 in hex: all that is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive(key: bytes, purpose: str, *parts: object) -> str:
    """A token that can be shown again without being stored: HMAC-SHA-256 under the secret."""
    message = "\0".join([purpose, *map(str, parts)]).encode()
    raw = hmac.new(key, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
