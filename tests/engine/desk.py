"""A community, its control plane and a member who checks it: all real, on this machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.adapters.witnesses import gather_cosignatures
from provisioner.core.tlog.policy import KnownLog
from provisioner.engine.checks.check import AGENTS_PATH, CHALLENGE_PATH, EVIDENCE_PATH
from provisioner.engine.checks.check_anywhere import check_anywhere
from provisioner.engine.context import Context
from provisioner.engine.releases.publisher import cosign_with
from provisioner.models.evidence import Evidence, write_moment
from provisioner.models.verdict import Verdict
from provisioner.publishing.witnesses import add_witness
from provisioner.settings import Settings
from tests.browser.saved_checks import HONEST, Place, agents_of, sealed
from tests.core.test_appraisal_dsse import KEY, public_of
from tests.publishing.place import NOW
from tests.witness.running import Running
from tests.witness.sites import Request, Served, Site, serving

RELEASES = "/releases/"


@dataclass
class Desk:
    """Everything at one address. With `asks` set to False, the agent takes no questions."""

    place: Place
    folder: Path
    pages: dict[str, Served] = field(default_factory=dict)
    evidence: Evidence = HONEST
    asks: bool = True
    address: str = ""
    site: Site = field(default_factory=lambda: Site(takes_posts=True))

    def answer(self, request: Request, _: Served) -> Served:
        if request.path == CHALLENGE_PATH:
            nonce = json.loads(request.body)["nonce"]
            return (200, self.report(nonce)) if self.asks else (429, b"{}")
        if request.path == EVIDENCE_PATH:
            return 200, self.report("")
        if request.path == AGENTS_PATH:
            return 200, agents_of(public_of(KEY)).encode()
        if request.path.startswith(RELEASES):
            repository = self.place.publisher.repository.folder
            file = repository / request.path.removeprefix(RELEASES)
            return (200, file.read_bytes()) if file.is_file() else (404, b"")
        return self.pages.get(request.path, (404, b"nothing here"))

    def report(self, nonce: str) -> bytes:
        """What the agent signs now."""
        now = datetime.now(UTC)
        told = replace(
            self.evidence,
            origin=self.address,
            nonce=nonce,
            issued=write_moment(now),
            expires=write_moment(now + timedelta(minutes=5)),
        )
        return sealed(told.statement()).encode()

    @property
    def root(self) -> Path:
        return self.place.publisher.shipped_root

    @property
    def context(self) -> Context:
        return Context(Settings(state=self.folder))

    def check(self, **options: object) -> Verdict:
        """As a member does who got the root from somebody she trusts."""
        return check_anywhere(
            self.context, self.address, control=self.address, root=self.root, **options
        )


def watch(place: Place, *witnesses: Running) -> None:
    """The publisher's root names these witnesses, and all of them have to have seen the log."""
    publisher = replace(place.publisher, cosign=cosign_with(gather_cosignatures))
    for number, each in enumerate(witnesses, start=1):
        url = each.url.replace("127.0.0.1", "localhost")
        add_witness(publisher, f"w{number}", each.key, url, number, now=NOW)


def log_of(place: Place) -> KnownLog:
    """Its key and its address."""
    return place.publisher.open_log(place.publisher.read_state().root.signed).policy.logs[0]


@contextlib.contextmanager
def open_desk(place: Place, folder: Path, certificate: Path | None = None) -> Iterator[Desk]:
    """Over TLS with a certificate, and over plain HTTP without."""
    desk = Desk(place, folder)
    desk.site.change = desk.answer
    with serving(desk.site, certificate) as address:
        desk.address = address
        yield desk


def detail_of(verdict: Verdict, check: str) -> str:
    return " ".join(each.detail for each in verdict.findings if each.check == check)
