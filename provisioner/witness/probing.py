"""One look at a community from outside, as a member's browser would have it.

The front page and the files come first and the report that names the release last, as far as that
can be: a server that changes its manner for who asks for the report has sent the files by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote

from provisioner.adapters.visit import Page, Visit
from provisioner.errors import Unavailable
from provisioner.models.observation import NOTHING, AssetSeen, Observation, Sight
from provisioner.ports import Clock
from provisioner.witness.listed import Listed

INSTANCE_PATH = "/.well-known/taarafo/instance"
SETTLE_SECONDS = 20.0  # an upgrade is through by then, and reported
MOST_LOOKS = 3
_OK = 200


@dataclass(frozen=True)
class Prober:
    """Looks at communities. `pause` waits for seconds; `find_listed` may raise what it raises."""

    find_listed: Callable[[str], Listed | None]
    clock: Clock
    pause: Callable[[float], object]
    open_visit: Callable[[str], Visit] = Visit
    settle_seconds: float = SETTLE_SECONDS

    def look_at(self, address: str, known: str = "") -> Observation:
        """What is there now. `known` is the release that was reported the last time, if any.

        What differs is looked at again when meanwhile another release is reported: it was an
        upgrade then. Raises ReleaseRejected, ReleaseExpired or Unavailable when the releases
        cannot be read; a community that does not answer is an observation.
        """
        for _ in range(MOST_LOOKS):
            seen, target = self._look(address, known)
            if not seen.page_status:
                return seen
            if seen.outcome is not Sight.FITS:
                self.pause(self.settle_seconds)
            reported = self._ask_again(address, target)
            if reported == target:
                return seen
            known = reported
        return replace(seen, release="", release_sha256=NOTHING, assets=())

    def _look(self, address: str, known: str) -> tuple[Observation, str]:
        """What was seen, and the release target that it was compared with."""
        seen = Observation(address, self.clock.now().replace(microsecond=0))
        with self.open_visit(address) as visit:
            try:
                status = visit.get("/").status
            except Unavailable:
                return replace(seen, tls=visit.tls_key), known
            seen = replace(seen, tls=visit.tls_key, page_status=status)
            target = known or _find_reported(visit)
            listed = self.find_listed(target)
            if listed is None:
                return seen, target
            assets = tuple(_compare(visit, listed))
        found = replace(seen, release=target, release_sha256=listed.sha256, assets=assets)
        return found, target

    def _ask_again(self, address: str, target: str) -> str:
        """The release that is reported now; who does not answer reports nothing new."""
        with self.open_visit(address) as visit:
            return _find_reported(visit, target)


def _find_reported(visit: Visit, unanswered: str = "") -> str:
    """The release target in the community's own report; empty if it gives none."""
    try:
        page = visit.get(INSTANCE_PATH)
        reported = json.loads(page.body)["release"] if page.status == _OK else ""
    except Unavailable:
        return unanswered
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return reported if isinstance(reported, str) else ""


def _compare(visit: Visit, listed: Listed) -> list[AssetSeen]:
    wanted = {quote(path): sha256 for path, sha256 in listed.assets.items()}
    return [_judge(visit, path, wanted[path]) for path in sorted(wanted)]


def _judge(visit: Visit, path: str, wanted: str) -> AssetSeen:
    try:
        page: Page = visit.get(path)
    except Unavailable:
        return AssetSeen(path, status=0)
    served = f"sha256:{sha256(page.body).hexdigest()}"
    if page.status != _OK or served == wanted:
        return AssetSeen(path, status=page.status)
    return AssetSeen(path, served=served)
