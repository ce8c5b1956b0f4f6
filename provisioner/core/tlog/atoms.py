"""What all formats of the log are made of: base64, decimal numbers and hashes as text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

HASH_BYTES = 32
MOST_HASHES = 63  # of one proof, as tlog-witness says of its own; deeper trees do not exist
LARGEST = 2**63 - 1  # tree sizes, indexes and timestamps (tlog-cosignature, “Format”)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def read_base64(text: str) -> bytes:
    """Standard base64, padded and in its one right form (RFC 4648 §4). Raises ValueError."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if write_base64(decoded) != text:
        raise ValueError("not base64 in its one right form")
    return decoded


def write_base64(content: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(content).decode("ascii")


def read_decimal(text: str) -> int:
    """An ASCII decimal number from 0 to 2⁶³-1 without leading zeroes. Raises ValueError."""
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST:
        raise ValueError("not a decimal number")
    return int(text)


def read_hash(text: str) -> bytes:
    """The 32 bytes of a SHA-256 in base64. Raises ValueError."""
    found = read_base64(text)
    if len(found) != HASH_BYTES:
        raise ValueError("not the length of a hash")
    return found


def read_hashes(lines: Iterable[str]) -> tuple[bytes, ...]:
    """The hashes of a proof, one a line (tlog-proof, tlog-witness). Raises ValueError."""
    hashes = tuple(read_hash(line) for line in lines)
    if len(hashes) > MOST_HASHES:
        raise ValueError("more hashes than a proof can have")
    return hashes


def check_text(text: str) -> None:
    """Raises ValueError unless it is whole UTF-8 lines (signed-note, “Format”)."""
    if not text.endswith("\n"):
        raise ValueError("the last line does not end")
    if _CONTROLS.search(text):
        raise ValueError("it has control characters")
    if _SURROGATES.search(text):
        raise ValueError("it is not UTF-8 text")
