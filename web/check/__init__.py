"""For members, and for anyone: what runs at an address, and how far that can be known."""

from __future__ import annotations

from web.check import badge, feed, routes
from web.check.blueprint import blueprint

__all__ = ["badge", "blueprint", "feed", "routes"]
