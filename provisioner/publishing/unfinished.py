"""What was logged and is not shown yet: finished before anything else is shown."""

from __future__ import annotations

from datetime import datetime

from provisioner.publishing.commit import make_visible
from provisioner.publishing.logged import find_logged
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State


def finish_logged(publisher: Publisher, now: datetime) -> State:
    """The published state, with everything in it that the log knows. The caller holds the lock.

    It takes the online keys alone. Raises PublishingUnfinished when the log knows of something that
    cannot be shown from here, WitnessesMissing and KeyMissing.
    """
    state = publisher.read_state()
    if not find_logged(publisher, state, {}):
        return state
    make_visible(publisher, state, {}, now)
    return publisher.read_state()
