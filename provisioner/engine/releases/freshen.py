"""Keep the short-lived signatures of the release list fresh, with the online keys alone."""

from __future__ import annotations

import logging

from provisioner.engine.chores import carry_chore
from provisioner.engine.context import Context
from provisioner.engine.releases.publisher import open_publisher
from provisioner.publishing.renew import refresh_online
from provisioner.publishing.witnesses import refresh_cosignatures

log = logging.getLogger(__name__)


def freshen_releases(context: Context) -> None:
    """Signs only what is due. Raises KeyMissing, ReleaseRejected or Unavailable."""

    def freshen() -> None:
        renewed = refresh_online(open_publisher(context), now=context.clock.now())
        if renewed:
            log.info("signed again: %s", ", ".join(renewed))

    carry_chore(context, "signatures", freshen)


def freshen_cosignatures(context: Context) -> None:
    """Have the witnesses see the log again, when that is due. Raises WitnessesMissing and others.

    Tried often, as each witness has but one way to be reached and a day to come back.
    """

    def freshen() -> None:
        if refresh_cosignatures(open_publisher(context), now=context.clock.now()):
            log.info("the witnesses have seen the public log again")

    carry_chore(context, "witnesses", freshen)
