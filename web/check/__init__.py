"""For members, and for anyone: what runs at an address, and how far that can be known."""

from __future__ import annotations

from web.check.routes import blueprint

__all__ = ["blueprint"]
