"""A second control plane on the tests' engine: its own folders, keys, releases, ports and names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from provisioner.engine.context import Context
from provisioner.engine.down import purge
from provisioner.engine.up import bring_up
from provisioner.settings import Settings

PORT, REGISTRY_PORT = 8081, 5001


@contextmanager
def second_control_plane(first: Settings) -> Iterator[Context]:
    """Brought up empty, and gone afterwards. It knows nothing of the first one."""
    settings = first.model_copy(
        update={
            "state": first.state.parent / "t",
            "stack": "second",
            "port": PORT,
            "registry_port": REGISTRY_PORT,
        }
    )
    bring_up(settings, say=lambda sentence: print(sentence, flush=True))
    context = Context(settings)
    try:
        yield context
    finally:
        purge(context, lambda _: None)
