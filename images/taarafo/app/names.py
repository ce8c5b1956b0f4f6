"""What a person may be called: names that read the same are the same name."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60
# Format characters turn text around or hide; the joiners are needed by real scripts and emoji.
JOINERS = {"\u200c", "\u200d"}
# Default_Ignorable_Code_Point of the Unicode Character Database: nobody sees them.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def tidy(name: str) -> str:
    """The name as it is shown: composed, without doubled or outer spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def key(name: str) -> str:
    """The name as it is compared: case, width, spaces and what nobody sees make no difference."""
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", tidy(name))).casefold()
    return " ".join(_UNSEEN.sub("", plain).split())


def find_fault(name: str) -> str:
    """The catalogue key of what is wrong with a tidied name, or empty."""
    if not key(name):
        return "name.empty"
    if len(name) > LONGEST:
        return "name.long"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") and c not in JOINERS for c in name):
        return "name.letters"
    if not any(unicodedata.category(c)[0] in "LNS" for c in key(name)):
        return "name.letters"
    return ""
