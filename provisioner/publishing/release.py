"""From what was built to a Release: pure functions, so that a plan is tested by its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provisioner.errors import RecipeIncomplete
from provisioner.models.manifest import read_manifest, root_of
from provisioner.models.release import Image, Program, Recipe, Release, Source

FILE = "f"


def plan_image(
    *,
    repository: str,
    digest: str,
    config_digest: str,
    layers: Sequence[str],
    manifest: bytes,
    platform: str = "linux/amd64",
    environment: Sequence[str] | None = None,
    entrypoint: Sequence[str] = (),
    workdir: str | None = None,
    sbom: str = "",
    provenance_statement: str = "",
) -> Image:
    """Facts of one built image; digests and layers (diff ids) as `sha256:…`;
    `environment`, `entrypoint` and `workdir` are from its OCI config,
    `sbom` and `provenance_statement` the digests of its papers.

    `manifest` is the text of its file manifest. Raises ValueError when that is not canonical.
    """
    root = root_of(manifest)
    return Image(
        repository=repository,
        digest=digest,
        config_digest=config_digest,
        platform=platform,
        layers=tuple(layers),
        files_root=root,
        files_count=len(read_manifest(manifest)),
        files_target=f"files/{root.removeprefix('sha256:')}.jsonl",
        entrypoint=tuple(entrypoint),
        workdir=workdir,
        environment=None if environment is None else tuple(environment),
        sbom=sbom,
        provenance_statement=provenance_statement,
    )


def plan_assets(folders: Mapping[str, str], manifest: bytes) -> dict[str, str]:
    """Hashes of the files that an app serves as they are, by URL path.

    `folders` maps a URL prefix to a folder in the image: `{"/static/": "/app/static"}` and a
    file `/app/static/app.css` give `{"/static/app.css": "sha256:…"}`.
    """
    files = [entry for entry in read_manifest(manifest).values() if entry.type == FILE]
    assets: dict[str, str] = {}
    for prefix, folder in sorted(folders.items()):
        start = folder.rstrip("/") + "/"
        for entry in files:
            if entry.path.startswith(start):
                url = prefix.rstrip("/") + "/" + entry.path.removeprefix(start)
                assets[url] = f"sha256:{entry.content}"
    return assets


def plan_release(
    recipe: Recipe,
    *,
    images: Mapping[str, Image],
    templates: Mapping[str, str],
    manifests: Mapping[str, bytes],
    source: Source,
    channel: str = "stable",
    urgency: str = "routine",
) -> Release:
    """Put one release together. Raises RecipeIncomplete when a part that it names is missing."""
    for part in recipe.parts.values():
        _check_part(recipe, part, images, templates)
    texts = [manifests[image.files_root] for image in images.values()]
    return Release(
        recipe=recipe,
        channel=channel,
        images=dict(images),
        templates=dict(templates),
        assets={u: h for text in texts for u, h in plan_assets(recipe.assets, text).items()},
        source=source,
        urgency=urgency,
    )


def _check_part(
    recipe: Recipe, part: Program, images: Mapping[str, Image], templates: Mapping[str, str]
) -> None:
    """Raises RecipeIncomplete."""
    if part.image not in images:
        raise RecipeIncomplete(recipe=recipe.name, reason=f"there is no image {part.image}")
    missing = sorted(set(part.configs) - set(templates))
    if missing:
        raise RecipeIncomplete(recipe=recipe.name, reason=f"there is no template {missing[0]}")
    unknown = sorted(set(part.secrets) - set(recipe.secrets))
    if unknown:
        raise RecipeIncomplete(recipe=recipe.name, reason=f"nothing mints {unknown[0]}")
