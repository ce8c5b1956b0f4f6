"""What every command shares that waits for an Operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what carries loads the database's tools; a command that asks for help does not
    from provisioner.engine.at_once import OnProgress
    from provisioner.engine.context import Context
    from provisioner.models.community import Community
    from provisioner.models.operation import Operation


def watch(
    carry: Callable[[Context, Community, Operation, OnProgress], dict[str, Any]],
    context: Context,
    living: Community,
    operation: Operation,
) -> dict[str, Any]:
    """Carry it here, with a bar that says how far it is."""
    from provisioner.engine.progress_bar import ProgressBar

    with ProgressBar() as bar:
        return carry(context, living, operation, bar.show)
