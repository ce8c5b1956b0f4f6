"""Give a release of `early` to everybody, once it has proved itself there."""

from __future__ import annotations

from provisioner.core.channels import judge_trial
from provisioner.engine.context import Context
from provisioner.engine.releases.publisher import open_publisher
from provisioner.engine.upgrades.trial import read_trial
from provisioner.errors import PromotionRefused
from provisioner.models.release import Listing
from provisioner.publishing.promote import promote_release


def promote(context: Context, app: str, version: str, *, at_once: bool = False) -> Listing:
    """The same images, nothing built. Raises PromotionRefused as long as it has not run on `early`
    for the soak of a first wave without a failure, unless it shall go at once."""
    now = context.clock.now()
    if not at_once and (why := judge_trial(read_trial(context, app, version), now)):
        reason = f"{why}. With --at-once it goes all the same"
        raise PromotionRefused(name=f"{app} {version}", reason=reason)
    return promote_release(open_publisher(context), app, version, now=now)
