"""What an image was made of, one by one, as bills of materials and provenance name it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from provisioner.publishing.built_image import BuiltImage
from provisioner.publishing.deb import read_fields
from provisioner.publishing.debian import ARCHITECTURE
from provisioner.publishing.packages import Input
from provisioner.publishing.source import OwnSource


class Kind(StrEnum):
    """Where a material comes from."""

    DEBIAN = "debian"
    PYTHON = "python"
    IMAGE = "image"
    SOURCE = "source"


class Material(NamedTuple):
    """One input. `uri` is a package URL (purl), or the SWHID of a source of ours.

    `sha256` is that of the package's file, of the image's manifest or of the source. `part_of`
    is the name of the image that it went into, which may be one that another stands on.
    """

    kind: Kind
    name: str
    version: str
    sha256: str
    uri: str
    part_of: str

    @property
    def ref(self) -> str:
        """Unlike the uri different for two sources with the same content."""
        return f"source:{self.name}" if self.kind is Kind.SOURCE else self.uri


def list_materials(built: BuiltImage) -> tuple[Material, ...]:
    """All that this image and the ones below it were made of, sorted.

    Raises ValueError for a package whose file cannot be read.
    """
    return tuple(sorted(_list_all(built)))


def image_uri(name: str, digest: str) -> str:
    """The purl of an image by its digest, `sha256:…`."""
    return f"pkg:oci/{name}@{digest}?arch={ARCHITECTURE}"


def _list_all(built: BuiltImage) -> Iterator[Material]:
    made_of, name = built.made_of, built.name
    for package, file in zip(made_of.packages.inputs, made_of.packages.files, strict=True):
        yield _of_package(package, file, name)
    for wheel in made_of.wheels.inputs:
        yield _of_wheel(wheel, name)
    for source in made_of.sources:
        yield _of_source(source, name)
    if made_of.base:
        yield _of_image(made_of.base, name)
        yield from _list_all(made_of.base)


def _of_package(package: Input, file: Path, image: str) -> Material:
    architecture = read_fields(file).get("Architecture", ARCHITECTURE)
    uri = f"pkg:deb/debian/{_part(package.name)}@{_part(package.version)}?arch={architecture}"
    return Material(Kind.DEBIAN, *package, uri, image)


def _of_wheel(wheel: Input, image: str) -> Material:
    uri = f"pkg:pypi/{_part(wheel.name)}@{_part(wheel.version)}"
    return Material(Kind.PYTHON, *wheel, uri, image)


def _of_source(source: OwnSource, image: str) -> Material:
    return Material(Kind.SOURCE, source.path, "", source.sha256, source.swhid, image)


def _of_image(base: BuiltImage, image: str) -> Material:
    sha256 = base.digest.removeprefix("sha256:")
    return Material(Kind.IMAGE, base.name, "", sha256, image_uri(base.name, base.digest), image)


def _part(text: str) -> str:
    """Percent-encoded as a purl has it: everything but letters, digits and `-._~:`."""
    return quote(text, safe=":")
