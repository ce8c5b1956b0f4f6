"""What is published beside an image: its bill of materials, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.models.release import Recipe, Source
from provisioner.publishing.bom import plan_bom
from provisioner.publishing.built_image import BuiltImage
from provisioner.publishing.materials import list_materials
from provisioner.publishing.provenance import plan_statement


@dataclass(frozen=True)
class Papers:
    """`sbom` is CycloneDX JSON; `statement` is the in-toto payload, not yet signed."""

    sbom: bytes
    statement: bytes


def plan_papers(built: BuiltImage, repository: str, recipe: Recipe, source: Source) -> Papers:
    """The papers of one image. Raises ValueError when a package's file cannot be read."""
    materials = list_materials(built)
    return Papers(
        plan_bom(built.name, recipe.version, built.digest, materials),
        plan_statement(
            subject=repository,
            digest=built.digest,
            recipe=recipe,
            image=built.name,
            source=source,
            materials=materials,
        ),
    )
