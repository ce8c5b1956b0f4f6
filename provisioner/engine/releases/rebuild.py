"""Build a published release again from its source, compare, and sign when it is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from provisioner.core.appraisal.dsse import read_envelope
from provisioner.core.comparison import (
    Difference,
    compare_inputs,
    compare_manifests,
    compare_releases,
)
from provisioner.core.provenance import read_provenance
from provisioner.core.rebuilders import count_rebuilders
from provisioner.engine.context import Context
from provisioner.engine.releases.make_release import MadeRelease, make_release
from provisioner.engine.releases.rebuild_source import FoundSource, open_source
from provisioner.errors import NotReproduced, ReleaseUnknown
from provisioner.models.release import Release
from provisioner.publishing import build
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.rebuilds import (
    list_rebuilds,
    open_rebuilder,
    read_rebuild_policy,
    write_rebuild,
    write_rebuild_policy,
)
from provisioner.settings import ROOT

Say = Callable[[str], None]


@dataclass(frozen=True)
class Published:
    """What is compared with: a verified release, its file manifest and signed provenance.

    `envelope` is empty for a release from before there was provenance.
    """

    release: Release
    manifest: bytes
    envelope: bytes

    @property
    def image(self) -> str:
        return self.release.recipe.app.image


@dataclass(frozen=True)
class Rebuild:
    """How a rebuild ended. `attestation` is the file with the new signature, or ""."""

    release: str
    image: str
    digest: str
    rebuilt: str
    source: str
    difference: Difference
    attestation: str = ""
    keyid: str = ""
    rebuilders: int = 0

    @property
    def outcome(self) -> str:
        return "REPRODUCED" if self.difference.is_none else "NOT-REPRODUCED"

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        difference = told.pop("difference")
        return {"outcome": self.outcome, **told, **difference}

    def as_text(self) -> str:
        lines = [
            f"{self.outcome}  {self.release}",
            f"  published  {self.digest}",
            f"  built again  {self.rebuilt}",
            f"  from {self.source}",
            *self.difference.as_lines(),
        ]
        if self.attestation:
            lines.append(f"  signed in {self.attestation}, {self.rebuilders} known keys so far")
        elif self.difference.is_none:
            lines.append("  not signed: this release has no provenance to sign")
        return "\n".join(lines)

    def require_same(self) -> None:
        """Raises NotReproduced."""
        if not self.difference.is_none:
            raise NotReproduced(name=self.release)


def rebuild_release(
    context: Context,
    app: str,
    version: str,
    say: Say,
    *,
    channel: str = "stable",
    key: Path | None = None,
    project: Path = ROOT,
) -> Rebuild:
    """Every image is built anew; packages and wheels may come from the cellar, by their hashes.

    When all is the same, the published statement is signed with the rebuilder's key, which is
    this machine's own unless `key` is given. Raises ReleaseUnknown, SourceMissing, BuildFailed.
    """
    published = _read_published(context, f"app/{app}/{channel}/{version}/release.json")
    with open_source(published.release, project, context.settings.cache) as source:
        _mention_code(source, say)
        made = make_release(
            context.settings,
            app,
            say,
            project=source.project,
            commit=published.release.source.commit,
            images=source.images,
        )
    rebuild = Rebuild(
        release=published.release.target,
        image=published.image,
        digest=published.release.images[published.image].digest,
        rebuilt=made.images[published.image].built.digest,
        source=source.told,
        difference=_compare(published, made),
    )
    if rebuild.difference.is_none and published.envelope:
        return _sign(context, published, rebuild, key)
    return rebuild


def _read_published(context: Context, target: str) -> Published:
    with context.releases.open() as reading:
        release = reading.get(target)
        if release.recipe.service is None:
            raise ReleaseUnknown(name=f"of an app called {release.name}")
        name = release.recipe.app.image
        image = release.images[name]
        envelope = b""
        if image.provenance_statement:
            envelope = reading.get_provenance(release, name)
        return Published(release, reading.get_manifest(image), envelope)


def _mention_code(source: FoundSource, say: Say) -> None:
    """An image is also what the code makes of its inputs, and that code is this checkout's."""
    own = build.digest_code(Path(build.__file__).parent)
    try:
        theirs = build.digest_code(source.project / "provisioner" / "publishing")
    except OSError:
        theirs = ""
    if theirs != own:
        say("This checkout builds with other code than the release's own source.")


def _compare(published: Published, made: MadeRelease) -> Difference:
    inputs: tuple[str, ...] = ()
    if published.envelope:
        told = read_provenance(read_envelope(published.envelope).payload)
        inputs = compare_inputs(
            told.dependencies, read_provenance(made.papers[published.image].statement).dependencies
        )
    paths = compare_manifests(published.manifest, made.images[published.image].manifest)
    facts = compare_releases(published.release, made.release)
    return replace(paths, facts=facts, inputs=inputs)


def _sign(context: Context, published: Published, rebuild: Rebuild, file: Path | None) -> Rebuild:
    publisher, trust = Publisher.of(context.settings), context.settings.trust_dir
    policy = read_rebuild_policy(trust)
    who, key = open_rebuilder(publisher, policy, file)
    statement = published.release.images[published.image].provenance_statement
    path = write_rebuild(publisher.repository, statement, published.envelope, key)
    write_rebuild_policy(trust, policy := policy.add(who))
    envelopes = list_rebuilds(publisher.repository, statement).values()
    return replace(
        rebuild,
        attestation=str(path.relative_to(publisher.repository.folder)),
        keyid=who.keyid,
        rebuilders=count_rebuilders(envelopes, policy.keys, statement),
    )
