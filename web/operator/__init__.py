"""For the operator: every community, its operations, and the tokens of the API."""

from __future__ import annotations

from web.operator import checking, communities, entering, operations, removal, tokens, watching
from web.operator.door import blueprint

__all__ = [
    "blueprint",
    "checking",
    "communities",
    "entering",
    "operations",
    "removal",
    "tokens",
    "watching",
]
