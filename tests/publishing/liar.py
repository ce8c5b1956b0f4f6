"""A publisher who signs for other source than the image was built from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from provisioner.core.provenance import digest_of
from provisioner.engine.releases.make_release import MadeRelease, make_release
from provisioner.models.release import Source
from provisioner.publishing.papers import Papers
from provisioner.settings import Settings


def make_as_if(settings: Settings, app: str, project: Path, honest: Source) -> MadeRelease:
    """Build what lies in the project, and say that it came from the honest source.

    The release and its papers fit each other, so nothing but a rebuild can find it out.
    """
    made = make_release(settings, app, print, project=project, commit=honest.commit)
    true, told = made.release.source.swhid.encode(), honest.swhid.encode()
    ((name, image),) = made.images.items()
    lie = image.papers.statement.replace(true, told)
    named = {"provenance_statement": digest_of(lie)}
    images = {name: made.release.images[name].model_copy(update=named)}
    release = made.release.model_copy(update={"images": images, "source": honest})
    return MadeRelease(release, {name: replace(image, papers=Papers(image.papers.sbom, lie))})
