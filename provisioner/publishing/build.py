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
from provisioner.publishing.cellar import Cellar
from provisioner.publishing.inputs import NOTHING, Chosen, choose_packages, choose_wheels
from provisioner.publishing.layout import Layout, read_layout
from provisioner.publishing.packages import Input
from provisioner.publishing.rootfs import write_rootfs
from provisioner.publishing.source import copy_source, digest_source
from provisioner.publishing.tool import ToolFailed
from provisioner.publishing.wheels import unpack_wheel
from provisioner.settings import ROOT, Settings

_CODE = ("build", "buildah", "rootfs", "source", "wheels")  # decides what comes out, too
Say = Callable[[str], None]


@dataclass(frozen=True)
class BuiltImage:
    """A finished image in the cache. `layers` are diff ids, `inputs` what it was made of."""

    name: str
    layout: Path
    digest: str
    config_digest: str
    layers: tuple[str, ...]
    inputs: tuple[Input, ...]
    size: int

    def blob(self, digest: str) -> Path:
        """The file of a layer, by its digest."""
        return self.layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


@dataclass(frozen=True)
class Builder:
    """One build run: where inputs come from, where images are kept and who is told."""

    project: Path
    cellar: Cellar
    say: Say
    is_strict: bool = False


def build_images(
    settings: Settings,
    names: Sequence[str],
    *,
    say: Say,
    strict: bool = False,
    project: Path = ROOT,
) -> dict[str, BuiltImage]:
    """Build these images and the ones they stand on; what is built already is checked and kept.

    With `strict`, a locked package that Debian has replaced is an error instead of a warning.
    Raises BuildFailed.
    """
    builder = Builder(project, Cellar(settings.cache), say, strict)
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
    packages, wheels = _choose(builder, blueprint)
    inputs = _list_inputs(builder, blueprint, base, (*packages.inputs, *wheels.inputs))
    kept = builder.cellar.images / f"{blueprint.name}-{_key_of(blueprint, inputs)}"
    found = _find_whole(kept)
    if found is None:
        builder.say(f"Building the image {blueprint.name}")
        found = _build_anew(builder, blueprint, base, packages.files, wheels.files, kept)
    return BuiltImage(
        blueprint.name, kept, found.digest, found.config_digest, found.layers, inputs, found.size
    )


def _choose(builder: Builder, blueprint: Blueprint) -> tuple[Chosen, Chosen]:
    lock = builder.project / "images" / blueprint.name / "packages.lock"
    packages = choose_packages(builder.cellar, lock, say=builder.say, is_strict=builder.is_strict)
    if not blueprint.wheels:
        return packages, NOTHING
    return packages, choose_wheels(
        builder.cellar, builder.project / blueprint.wheels, blueprint.without
    )


def _list_inputs(
    builder: Builder, blueprint: Blueprint, base: BuiltImage | None, chosen: tuple[Input, ...]
) -> tuple[Input, ...]:
    """Everything that decides what the image will be, beside the builder itself."""
    below = (Input(base.name, "", base.digest.removeprefix("sha256:")),) if base else ()
    own = {"Containerfile": f"images/{blueprint.name}/Containerfile", **blueprint.sources}
    sources = (Input(name, "", digest_source(builder.project / path)) for name, path in own.items())
    return (*below, *chosen, *sources)


def _key_of(blueprint: Blueprint, inputs: tuple[Input, ...]) -> str:
    code = [digest_source(Path(__file__).with_name(f"{name}.py")) for name in _CODE]
    text = json.dumps([code, blueprint.model_dump(mode="json"), inputs])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _find_whole(kept: Path) -> Layout | None:
    """The finished image in this folder; one that is damaged is removed."""
    if not kept.exists():
        return None
    try:
        return read_layout(kept)
    except (OSError, ValueError, KeyError, TypeError):
        shutil.rmtree(kept)
        return None


def _build_anew(
    builder: Builder,
    blueprint: Blueprint,
    base: BuiltImage | None,
    packages: Sequence[Path],
    wheels: Sequence[Path],
    kept: Path,
) -> Layout:
    with TemporaryDirectory(dir=builder.cellar.scratch, prefix=f"{blueprint.name}-") as scratch:
        context, out = Path(scratch) / "context", Path(scratch) / "layout"
        _write_context(builder.project, blueprint, packages, wheels, context)
        containerfile = builder.project / "images" / blueprint.name / "Containerfile"
        build_layout(context, containerfile, base.layout if base else None, out)
        read_layout(out)
        out.replace(kept)
    builder.cellar.drop_old(blueprint.name)
    return read_layout(kept)


def _write_context(
    project: Path,
    blueprint: Blueprint,
    packages: Sequence[Path],
    wheels: Sequence[Path],
    context: Path,
) -> None:
    """All that the Containerfile may use, with modes and names that no checkout can change."""
    context.mkdir(mode=0o755)
    if packages:
        write_rootfs(packages, blueprint.folders, context / "rootfs.tar")
    for wheel in wheels:
        unpack_wheel(wheel, context)
    for name, path in blueprint.sources.items():
        copy_source(project / path, context / name)
    for folder in context.rglob("*/"):
        folder.chmod(0o755)  # whatever umask the builder has
