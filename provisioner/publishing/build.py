"""Builds the project's images from pinned inputs, and remembers what was built.

An image is kept under a key made of everything that goes into it, so a second build of the same
inputs only checks what is there. Built again from nothing it has the same digest.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.errors import BuildFailed
from provisioner.publishing.blueprint import Blueprint, order_blueprints
from provisioner.publishing.buildah import build_layout
from provisioner.publishing.built_image import BuiltImage, Ingredients
from provisioner.publishing.cellar import Cellar
from provisioner.publishing.inputs import NOTHING, choose_packages, choose_wheels
from provisioner.publishing.layout import Layout, read_layout
from provisioner.publishing.rootfs import write_rootfs
from provisioner.publishing.source import (
    copy_source,
    describe_source,
    digest_source,
)
from provisioner.publishing.tool import ToolFailed
from provisioner.publishing.wheels import unpack_wheel
from provisioner.settings import ROOT, Settings

_CODE = ("build", "buildah", "rootfs", "source", "wheels")  # decides what comes out, too
Say = Callable[[str], None]


@dataclass(frozen=True)
class Builder:
    """One build run: where inputs come from, where images are kept and who is told."""

    project: Path
    cellar: Cellar
    images: Path
    say: Say
    is_strict: bool = False


def build_images(
    settings: Settings,
    names: Sequence[str],
    *,
    say: Say,
    strict: bool = False,
    project: Path = ROOT,
    images: Path | None = None,
) -> dict[str, BuiltImage]:
    """Build these images and the ones they stand on; what is built already is checked and kept.

    With `strict`, a locked package that Debian has replaced is an error instead of a warning.
    `images` is another folder for built images on the same disk: into an empty one, all is built
    anew. Raises BuildFailed.
    """
    cellar = Cellar(settings.cache)
    builder = Builder(project, cellar, images or cellar.images, say, strict)
    built: dict[str, BuiltImage] = {}
    with builder.cellar.locked():
        for name in names:
            _build_with_bases(builder, name, built)
    return built


def _build_with_bases(builder: Builder, name: str, built: dict[str, BuiltImage]) -> None:
    try:
        for blueprint in order_blueprints(builder.project, [name]):
            name = blueprint.name
            if name not in built:
                built[name] = _build(builder, blueprint, built.get(blueprint.base))
    except (ToolFailed, OSError, ValueError) as error:
        raise BuildFailed(str(error), image=name) from error


def _build(builder: Builder, blueprint: Blueprint, base: BuiltImage | None) -> BuiltImage:
    made_of = _gather(builder, blueprint, base)
    kept = builder.images / f"{blueprint.name}-{_key_of(blueprint, made_of)}"
    found = _find_whole(kept)
    if found is None:
        builder.say(f"Building the image {blueprint.name}")
        found = _build_anew(builder, blueprint, made_of, kept)
    return BuiltImage(
        blueprint.name, kept, found.digest, found.config_digest, found.layers, found.size, made_of
    )


def _gather(builder: Builder, blueprint: Blueprint, base: BuiltImage | None) -> Ingredients:
    """Everything that decides what the image will be, beside the builder itself."""
    project, cellar = builder.project, builder.cellar
    lock = project / "images" / blueprint.name / "packages.lock"
    packages = choose_packages(cellar, lock, say=builder.say, is_strict=builder.is_strict)
    wheels = NOTHING
    if blueprint.wheels:
        wheels = choose_wheels(cellar, project / blueprint.wheels, blueprint.without)
    folder = f"images/{blueprint.name}"
    own = (f"{folder}/Containerfile", f"{folder}/image.toml", *blueprint.sources.values())
    sources = tuple(describe_source(project, path) for path in own)
    return Ingredients(base, packages, wheels, sources)


def _key_of(blueprint: Blueprint, made_of: Ingredients) -> str:
    code = digest_code(Path(__file__).parent)
    told = blueprint.model_dump(mode="json")
    text = json.dumps([code, told, made_of.inputs, made_of.sources])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def digest_code(publishing: Path) -> str:
    """SHA-256 in hex of the part of a folder of this package that decides what comes out."""
    parts = [digest_source(publishing / f"{name}.py") for name in _CODE]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _find_whole(kept: Path) -> Layout | None:
    """The finished image in this folder; one that is damaged is removed."""
    if not kept.exists():
        return None
    try:
        return read_layout(kept)
    except (OSError, ValueError, KeyError, TypeError):
        shutil.rmtree(kept)
        return None


def _build_anew(builder: Builder, blueprint: Blueprint, made_of: Ingredients, kept: Path) -> Layout:
    with TemporaryDirectory(dir=builder.cellar.scratch, prefix=f"{blueprint.name}-") as scratch:
        context, out = Path(scratch) / "context", Path(scratch) / "layout"
        _write_context(builder.project, blueprint, made_of, context)
        containerfile = builder.project / "images" / blueprint.name / "Containerfile"
        below = made_of.base.layout if made_of.base else None
        build_layout(context, containerfile, below, out)
        read_layout(out)
        out.replace(kept)
    builder.cellar.drop_old(blueprint.name)
    return read_layout(kept)


def _write_context(
    project: Path, blueprint: Blueprint, made_of: Ingredients, context: Path
) -> None:
    """All that the Containerfile may use, with modes and names that no checkout can change."""
    context.mkdir(mode=0o755)
    if made_of.packages.files:
        write_rootfs(made_of.packages.files, blueprint.folders, context / "rootfs.tar")
    for wheel in made_of.wheels.files:
        unpack_wheel(wheel, context)
    for name, path in blueprint.sources.items():
        copy_source(project / path, context / name)
    for folder in context.rglob("*/"):
        folder.chmod(0o755)  # whatever umask the builder has
