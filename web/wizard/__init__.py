"""The wizard: from a name to a running community in three steps."""

from __future__ import annotations

from web.wizard import address, events, making, ready, rescue, steps
from web.wizard.blueprint import blueprint

__all__ = ["address", "blueprint", "events", "making", "ready", "rescue", "steps"]
