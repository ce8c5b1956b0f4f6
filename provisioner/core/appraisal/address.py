"""An address as a person types it, as the host name (with the port) that is asked."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}(:[0-9]{1,5})?").fullmatch


def read_address(typed: str) -> str:
    """`https://Smith.Example/ ` → `smith.example`. Raises ValueError."""
    address = typed.strip().lower()
    for scheme in ("http://", "https://"):
        address = address.removeprefix(scheme)
    address = address.split("/", 1)[0]
    if not _ADDRESS(address) or ".." in address:
        raise ValueError("not an address")
    return address
