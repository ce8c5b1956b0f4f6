"""The keys that sign releases on this control plane, and what they say is still safe to run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from provisioner.engine.context import Context
from provisioner.engine.reach import fit_worker
from provisioner.engine.releases.publisher import open_publisher
from provisioner.models.release import Listing
from provisioner.publishing import rotate
from provisioner.publishing.countersign import sign_waiting
from provisioner.publishing.floor import raise_floor
from provisioner.publishing.keys import LOG, ONLINE
from provisioner.publishing.publisher import Publisher, list_keys
from provisioner.publishing.rotate_log import rotate_log_key
from provisioner.publishing.settle import Ceremony, list_unsigned


def list_release_keys(context: Context) -> list[dict[str, Any]]:
    """One row a key: `{"role", "file", "keyid", "is_here", "threshold", "expires"}`."""
    return [asdict(fact) for fact in list_keys(_publisher(context))]


def list_waiting_sentences(context: Context) -> list[str]:
    """What the change that waits still needs; nothing when none waits."""
    return [row.explain() for row in list_unsigned(_publisher(context))]


def rotate_release_key(context: Context, role: str, number: int) -> dict[str, Any]:
    """Replace one key by a new one. See `describe_ceremony` for what comes back from this and all
    ceremonies below; each raises KeyRefused, and SignaturesMissing while another change waits.

    The role `log` is the public log, which has one key; LogKeyUnknown is about its witnesses."""
    publisher, now = _publisher(context), context.clock.now()
    if role == LOG and number == 1:
        return describe_ceremony(rotate_log_key(publisher, now=now))
    return describe_ceremony(rotate.rotate_key(publisher, role, number, now=now))


def add_release_key(context: Context, role: str, file: Path) -> dict[str, Any]:
    """Let somebody else sign too, whose public key is in a file."""
    now = context.clock.now()
    return describe_ceremony(rotate.add_key(_publisher(context), role, file, now=now))


def remove_release_key(context: Context, role: str, keyid: str) -> dict[str, Any]:
    """Take a key out of use, for good."""
    now = context.clock.now()
    return describe_ceremony(rotate.remove_key(_publisher(context), role, keyid, now=now))


def set_release_threshold(
    context: Context, role: str, threshold: int, count: int
) -> dict[str, Any]:
    """How many have to sign; keys are made here until there are `count` (0: none is made)."""
    publisher, now = _publisher(context), context.clock.now()
    return describe_ceremony(rotate.set_threshold(publisher, role, threshold, count=count, now=now))


def sign_release_change(context: Context, role: str, key: Path | None) -> dict[str, Any]:
    """One more signature on what waits; without a key, only look whether enough have signed."""
    now = context.clock.now()
    ceremony = sign_waiting(_publisher(context), role, key, now=now)
    if ceremony.is_published and "root" in ceremony.roles:  # it may name other witnesses now
        fit_worker(context)
    return describe_ceremony(ceremony)


def raise_release_floor(context: Context, recipe: str, channel: str, version: str) -> Listing:
    """Say that versions before this one are not safe to run any more."""
    now = context.clock.now()
    return raise_floor(_publisher(context), recipe, channel, version, now=now)


def describe_ceremony(ceremony: Ceremony) -> dict[str, Any]:
    """`{"published", "earlier", "roles", "changes", "waiting"}`, for programs and for people."""
    return {
        "published": ceremony.is_published,
        "earlier": ceremony.is_earlier,
        "roles": list(ceremony.roles),
        "changes": list(ceremony.changes),
        "waiting": [asdict(row) | {"sentence": row.explain()} for row in ceremony.waiting],
    }


def write_ceremony(described: dict[str, Any]) -> str:
    """The same as lines of text."""
    if not described["roles"]:
        return "It is so already. Nothing was changed."
    earlier = ["An earlier change was finished first. Run the command again for yours."]
    lines = [*(earlier if described["earlier"] else []), *described["changes"]]
    if described["published"]:
        return "\n".join([*lines, "Published."])
    waiting = [f"Waiting: {row['sentence']}" for row in described["waiting"]]
    role = described["waiting"][0]["role"]
    following = (
        "Everybody has signed. Take the folder back to the machine that publishes."
        if role in ONLINE
        else f"Nothing is published yet. To sign: `./taarafo release keys sign {role} --key FILE`"
    )
    return "\n".join([*lines, *waiting, following])


def _publisher(context: Context) -> Publisher:
    return open_publisher(context)
