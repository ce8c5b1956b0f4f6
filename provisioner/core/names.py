"""Which addresses are good, and what to suggest instead. Pure: what is taken is an argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from anyascii import anyascii

from provisioner.errors import NameRefused, SaidBadly

SHORTEST, LONGEST = 3, 32  # a Swarm object's name has 63 letters; ours add up to 31
WELL_FORMED = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")  # RFC 1123 §2.1, one label
_LIKE_AN_ID = re.compile(r"[0-9a-f]{32}")
FALLBACK = "our-community"
RESERVED = frozenset(
    [
        "abuse",
        "account",
        "admin",
        "administrator",
        "agent",
        "api",
        "app",
        "apps",
        "assets",
        "auth",
        "autoconfig",
        "autodiscover",
        "billing",
        "blog",
        "cdn",
        "check",
        "community",
        "console",
        "contact",
        "dashboard",
        "dns",
        "docs",
        "download",
        "edge",
        "email",
        "example",
        "ftp",
        "git",
        "help",
        "host",
        "hostmaster",
        "imap",
        "info",
        "internal",
        "invalid",
        "join",
        "local",
        "localhost",
        "login",
        "mail",
        "me",
        "mx",
        "my",
        "news",
        "noreply",
        "ns",
        "ns1",
        "ns2",
        "oauth",
        "operator",
        "ops",
        "owner",
        "pop",
        "pop3",
        "postmaster",
        "privacy",
        "proxy",
        "queue",
        "register",
        "registry",
        "releases",
        "root",
        "rules",
        "security",
        "server",
        "settings",
        "setup",
        "shop",
        "signin",
        "signup",
        "smtp",
        "sso",
        "staff",
        "static",
        "status",
        "support",
        "sysadmin",
        "system",
        "taarafo",
        "test",
        "tuf",
        "users",
        "verify",
        "webmail",
        "webmaster",
        "welcome",
        "wizard",
        "worker",
        "www",
    ]
)
_LOOKS_LIKE = str.maketrans("0135i", "olesl")


def skeleton_of(label: str) -> str:
    """Two labels that look alike have one skeleton: `sm1th-family`, `srnithfamily` → one word."""
    return label.replace("rn", "m").replace("vv", "w").translate(_LOOKS_LIKE).replace("-", "")


def suggest_label(name: str) -> str:
    """A well-formed label for a spoken name; never empty, never reserved."""
    plain = re.sub(r":[a-z0-9_]+:", " ", anyascii(name).lower())  # emoji come as :words:
    plain = plain.replace("'", "").replace("’", "")
    label = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    label = re.sub(r"^the-(?=.{3})", "", label)
    label = re.sub(r"-{2,}", "-", label)[:LONGEST].strip("-")
    if len(label) < SHORTEST:
        label = f"{label}-community".strip("-") if label else FALLBACK
    return label if label not in RESERVED else f"our-{label}"


def suggest_free(label: str, is_taken: Callable[[str], bool]) -> str:
    """The first variation of a label that is good and free, or "" when none of many is."""
    return next((c for c in _variations(label) if _is_good(c) and not is_taken(c)), "")


def judge_label(typed: str, is_taken: Callable[[str], bool]) -> str:
    """The label in its final form. Raises NameRefused with a sentence and an alternative.

    `is_taken` is asked with a label and answers for it and all its look-alikes.
    """
    label = typed.strip().lower()
    reason = _find_fault(label)
    if reason:
        raise NameRefused(reason, suggest_free(suggest_label(label), is_taken))
    if is_taken(label):
        raise NameRefused(
            f"Somebody already has “{label}”, or one that looks just like it.",
            suggest_free(label, is_taken),
        )
    return label


def judge_name(typed: str, field: str) -> str:
    """A spoken name: 1 to 80 visible letters, in any script. Raises SaidBadly."""
    name = " ".join(typed.split())
    if not any(c.isalnum() for c in name):
        sentence = {
            "name": "Please give your community a name.",
            "founder": "Please tell us your name.",
        }
        raise SaidBadly(sentence.get(field, "Please write something here."), field)
    if len(name) > 80:
        raise SaidBadly("That is a lovely long name. Please keep it under 80 letters.", field)
    if any(ord(c) < 32 or c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068" for c in name):
        raise SaidBadly("That name has a hidden sign in it. Please type it by hand.", field)
    return name


def _find_fault(label: str) -> str:
    if not label:
        return "Please choose an address."
    if not label.isascii():
        return "An address can only have the letters a to z, numbers and dashes."
    if len(label) < SHORTEST:
        return f"That address is too short. It needs at least {SHORTEST} letters."
    if len(label) > LONGEST:
        return f"That address is too long. It can have up to {LONGEST} letters."
    if label.startswith("xn--") or label[2:4] == "--":
        return "That address starts in a way that computers read as another one."
    if not WELL_FORMED.fullmatch(label):
        return "An address can only have letters, numbers, and dashes in the middle."
    if _LIKE_AN_ID.fullmatch(label):
        return "That looks like one of our numbers. Please choose words instead."
    if label in RESERVED or skeleton_of(label) in _RESERVED_SKELETONS:
        return f"“{label}” is set aside, so that nobody can pretend to be us."
    return ""


def _is_good(label: str) -> bool:
    return not _find_fault(label)


def _variations(label: str) -> Iterator[str]:
    yield label
    for word in ("home", "circle", "place", "together"):
        yield f"{label[: LONGEST - len(word) - 1].rstrip('-')}-{word}"
    for number in range(2, 100):
        yield f"{label[: LONGEST - 3].rstrip('-')}-{number}"


_RESERVED_SKELETONS = frozenset(skeleton_of(word) for word in RESERVED)
