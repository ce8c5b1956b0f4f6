"""A finished image, and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provisioner.publishing.inputs import Chosen
from provisioner.publishing.packages import Input
from provisioner.publishing.source import OwnSource


@dataclass(frozen=True)
class Ingredients:
    """The image it stands on, Debian packages and wheels with their files, sources of ours."""

    base: BuiltImage | None
    packages: Chosen
    wheels: Chosen
    sources: tuple[OwnSource, ...]

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All that is not ours, pinned."""
        below = (self.base.as_input(),) if self.base else ()
        return (*below, *self.packages.inputs, *self.wheels.inputs)


@dataclass(frozen=True)
class BuiltImage:
    """A finished image in the cache. `layers` are diff ids, `size` is in bytes."""

    name: str
    layout: Path
    digest: str
    config_digest: str
    layers: tuple[str, ...]
    size: int
    made_of: Ingredients

    def blob(self, digest: str) -> Path:
        """The file of a layer, by its digest."""
        return self.layout / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def as_input(self) -> Input:
        """What an image that stands on this one is made of."""
        return Input(self.name, "", self.digest.removeprefix("sha256:"))
