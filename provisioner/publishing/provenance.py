"""The provenance of an image: an in-toto Statement v1 with SLSA Provenance v1, the same bytes
every time. It has no date: what counts is what went in and what came out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from provisioner.core.provenance import BUILD_TYPE, BUILDER, PREDICATE
from provisioner.models.evidence import STATEMENT
from provisioner.models.release import Recipe, Source
from provisioner.publishing.materials import Material

_GIT_KINDS = {"dir": "gitTree", "cnt": "gitBlob"}  # of a SWHID -> of an in-toto DigestSet


def plan_statement(
    *,
    subject: str,
    digest: str,
    recipe: Recipe,
    image: str,
    source: Source,
    materials: Sequence[Material],
) -> bytes:
    """The payload that gets signed. `subject` is the repository, `digest` the `sha256:…` of the
    image called `image`. An empty commit is left out.
    """
    parameters = {
        "recipe": recipe.name,
        "version": recipe.version,
        "image": image,
        "source": source.model_dump(exclude_defaults=True),
    }
    return _write(
        {
            "_type": STATEMENT,
            "subject": [{"name": subject, "digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicateType": PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": parameters,
                    "resolvedDependencies": _describe_all(materials),
                },
                "runDetails": {"builder": {"id": BUILDER}},
            },
        }
    )


def _describe_all(materials: Sequence[Material]) -> list[dict[str, Any]]:
    distinct = {(each.uri, each.name): _describe(each) for each in materials}
    return [distinct[key] for key in sorted(distinct)]


def _describe(material: Material) -> dict[str, Any]:
    digest = {"sha256": material.sha256}
    if material.uri.startswith("swh:"):
        _, _, kind, git_id = material.uri.split(":")
        digest[_GIT_KINDS[kind]] = git_id
    return {"name": material.name, "uri": material.uri, "digest": digest}


def _write(statement: dict[str, Any]) -> bytes:
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode("ascii")
