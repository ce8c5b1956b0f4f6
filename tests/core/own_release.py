"""The control plane's own recipe as a release, with an image of a few files for each name."""

from __future__ import annotations

from provisioner.models.manifest import FileEntry, root_of, write_manifest
from provisioner.models.release import Image, Release, Source
from provisioner.publishing.recipe import read_recipe
from provisioner.publishing.release import plan_image
from provisioner.settings import ROOT

PYTHON = "/usr/bin/python3"


def write_files(name: str) -> bytes:
    """The manifest of an image: one program and one file of its own."""
    return write_manifest(
        [
            FileEntry(PYTHON, "f", 0o755, 0, 0, 2, "bb"),
            FileEntry(f"/srv/{name}.py", "f", 0o644, 0, 0, 2, "aa"),
        ]
    )


def make_image(name: str) -> Image:
    return plan_image(
        repository=f"taarafo/{name}",
        digest=root_of(name.encode()),
        config_digest=root_of(f"config of {name}".encode()),
        layers=(),
        manifest=write_files(name),
        environment=("LANG=C.UTF-8",),
        workdir="/srv",
    )


def make_own_release() -> Release:
    recipe, templates = read_recipe(ROOT / "templates" / "control")
    names = {part.image for part in recipe.parts.values()}
    return Release(
        recipe=recipe,
        images={name: make_image(name) for name in sorted(names)},
        templates=templates,
        source=Source(swhid="swh:1:dir:" + "0" * 40),
    )
