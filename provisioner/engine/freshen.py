"""Keep the short-lived signatures of the release list fresh, with the online keys alone."""

from __future__ import annotations

import logging

from provisioner.engine.context import Context
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import refresh_online

log = logging.getLogger(__name__)


def freshen_releases(context: Context) -> None:
    """Signs only what is due. Raises KeyMissing, ReleaseRejected or Unavailable."""
    renewed = refresh_online(Publisher.of(context.settings), now=context.clock.now())
    if renewed:
        log.info("signed again: %s", ", ".join(renewed))
