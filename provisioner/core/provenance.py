"""How an image was made, as its provenance states: reading it, and whether it fits its release.

An in-toto Statement v1 with the predicate SLSA Provenance v1, signed as DSSE. Here are the words
of it that writers and readers share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.models.evidence import STATEMENT
from provisioner.models.release import Release

PREDICATE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = "https://taarafo.example/build/v1"
BUILDER: Final = "https://taarafo.example/builder/v1"


class Dependency(NamedTuple):
    """One material: its name, its purl or SWHID, and its SHA-256 in hex."""

    name: str
    uri: str
    sha256: str


@dataclass(frozen=True)
class _Source:
    swhid: str
    commit: str = ""


@dataclass(frozen=True)
class _Parameters:
    recipe: str
    version: str
    image: str
    source: _Source


@dataclass(frozen=True)
class _Resource:
    name: str
    digest: dict[str, str]
    uri: str = ""


@dataclass(frozen=True)
class Provenance:
    """What the statement says of one image. `digest` is that of its manifest, `sha256:…`."""

    name: str
    digest: str
    recipe: str
    version: str
    image: str
    swhid: str
    commit: str
    builder: str
    dependencies: frozenset[Dependency] = field(default_factory=frozenset)


def read_provenance(payload: bytes) -> Provenance:
    """Raises ValueError with the reason for anything but a statement about one image."""
    statement = read_json(payload)
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise ValueError("it is not an in-toto statement")
    if statement.get("predicateType") != PREDICATE:
        raise ValueError("it states something else than how an image was made")
    subjects = build(tuple[_Resource, ...], statement.get("subject"))
    if len(subjects) != 1:
        raise ValueError("it is not about one image")
    definition = _get_object(statement, "predicate", "buildDefinition")
    if definition.get("buildType") != BUILD_TYPE:
        raise ValueError("it describes a build of another kind")
    parameters = build(_Parameters, definition.get("externalParameters"))
    builder = _get_object(statement, "predicate", "runDetails", "builder").get("id")
    return Provenance(
        name=subjects[0].name,
        digest="sha256:" + _get_sha256(subjects[0]),
        recipe=parameters.recipe,
        version=parameters.version,
        image=parameters.image,
        swhid=parameters.source.swhid,
        commit=parameters.source.commit,
        builder=build(str, builder),
        dependencies=frozenset(_read_dependencies(definition.get("resolvedDependencies", []))),
    )


def find_misfit(payload: bytes, release: Release, image: str) -> str:
    """What is wrong with the statement published for an image of this release, or ""."""
    promised = release.images[image]
    if digest_of(payload) != promised.provenance_statement:
        return "its provenance is another one than the release names"
    try:
        told = read_provenance(payload)
    except ValueError as error:
        return f"its provenance cannot be used: {error}"
    about = (told.name, told.digest, told.recipe, told.version, told.image, told.swhid, told.commit)
    if about != (
        promised.repository,
        promised.digest,
        release.name,
        release.version,
        image,
        release.source.swhid,
        release.source.commit,
    ):
        return "its provenance is about something else"
    return ""


def digest_of(content: bytes) -> str:
    """`sha256:…` of a document."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _read_dependencies(value: object) -> Iterator[Dependency]:
    for each in build(tuple[_Resource, ...], value):
        yield Dependency(each.name, each.uri, _get_sha256(each))


def _get_sha256(resource: _Resource) -> str:
    sha256 = resource.digest.get("sha256")
    if not sha256:
        raise ValueError("it names something without its SHA-256")
    return sha256


def _get_object(value: Any, *names: str) -> Mapping[str, Any]:  # noqa: ANN401 - any JSON value
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise ValueError(f"{names[-1]} is missing")
    return value
