"""Keep the short-lived signatures of the release list fresh, with the online keys alone."""

from __future__ import annotations

import logging

from provisioner.engine.context import Context
from provisioner.engine.publisher import open_publisher
from provisioner.publishing.renew import refresh_online
from provisioner.publishing.witnesses import refresh_cosignatures

log = logging.getLogger(__name__)


def freshen_releases(context: Context) -> None:
    """Signs only what is due. Raises KeyMissing, ReleaseRejected or Unavailable."""
    publisher, now = open_publisher(context), context.clock.now()
    renewed = refresh_online(publisher, now=now)
    if renewed:
        log.info("signed again: %s", ", ".join(renewed))
    if refresh_cosignatures(publisher, now=now):
        log.info("the witnesses have seen the public log again")
