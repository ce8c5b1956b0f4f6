"""For the operator: communities, operations, upgrades, and the tokens of the API."""

from __future__ import annotations

from web.operator import (
    checking,
    communities,
    entering,
    operations,
    quota,
    removal,
    tokens,
    upgrades,
    version,
    watching,
)
from web.operator.door import blueprint

__all__ = [
    "blueprint",
    "checking",
    "communities",
    "entering",
    "operations",
    "quota",
    "removal",
    "tokens",
    "upgrades",
    "version",
    "watching",
]
