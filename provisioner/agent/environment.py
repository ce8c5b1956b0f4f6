"""The variables that a container was started with, each by the hash of its value."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.agent.processes import read_small
from provisioner.models.evidence import TOO_MANY, hash_value

_MANY, _LONG = 1000, 1000  # variables, and letters in a name: no release comes near


def describe_environment(first: int, declared: Sequence[str]) -> dict[str, str]:
    """Of the first process, whose folder in /proc is open as `first`, and of what Docker was told.

    What runs in a container could give itself any number of them, to exhaust whoever looks. Those
    beyond the limit become one name that no release permits. Raises Vanished.
    """
    begun = read_small(first, "environ").decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, str] = {}
    for line in (*declared, *begun):
        name, is_pair, value = line.partition("=")
        if len(found) >= _MANY or len(name) > _LONG:
            found[TOO_MANY] = hash_value("")
            break
        if is_pair:
            found[name] = hash_value(value)
    return found
