"""A founder's own page: her community, its promises, what runs, and the way out."""

from __future__ import annotations

from web.console import kit, page, removal
from web.console.blueprint import blueprint

__all__ = ["blueprint", "kit", "page", "removal"]
