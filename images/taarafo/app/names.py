"""What a person may be called: names that read the same are the same name."""

from __future__ import annotations

import unicodedata

LONGEST = 60
# Format characters turn text around or hide; the joiners are needed by real scripts and emoji.
JOINERS = {"\u200c", "\u200d"}


def tidy(name: str) -> str:
    """The name as it is shown: composed, without doubled or outer spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def key(name: str) -> str:
    """The name as it is compared: case, width and spaces make no difference."""
    plain = unicodedata.normalize("NFKC", tidy(name)).casefold()
    return " ".join("".join(c for c in plain if c not in JOINERS).split())


def find_fault(name: str) -> str:
    """The catalogue key of what is wrong with a tidied name, or empty."""
    if not key(name):
        return "name.empty"
    if len(name) > LONGEST:
        return "name.long"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") and c not in JOINERS for c in name):
        return "name.letters"
    if not any(unicodedata.category(c)[0] in "LNS" for c in name):
        return "name.letters"
    return ""
