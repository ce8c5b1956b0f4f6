"""What a release that was built again has otherwise than the published one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.core.provenance import Dependency
from provisioner.models.manifest import read_manifest
from provisioner.models.release import Release

_PAPERS = ("sbom", "provenance_statement")  # they are compared by what they say


@dataclass(frozen=True)
class Difference:
    """Nothing in any of them: the same. Paths are those of the image's files.

    `facts` names what differs of the release, `inputs` what went in with what went in instead.
    """

    facts: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        return not (self.facts or self.inputs or self.added or self.missing or self.changed)

    def as_lines(self) -> list[str]:
        """One line for each thing that differs."""
        told = (
            ("differs", self.facts),
            ("input", self.inputs),
            ("added", self.added),
            ("missing", self.missing),
            ("changed", self.changed),
        )
        return [f"  {word}  {each}" for word, found in told for each in found]


def compare_releases(published: Release, rebuilt: Release) -> tuple[str, ...]:
    """Names of what differs: `recipe`, `template x.j2`, `image x: layers` …

    What only the publisher decides is not compared (channel, urgency), nor what an older release
    does not tell. The source's commit is where it was looked up, so it is the same.
    """
    return tuple(_find_facts(published, rebuilt))


def compare_manifests(published: bytes, rebuilt: bytes) -> Difference:
    """Every path that one has and the other has not, or has otherwise. Raises ValueError."""
    old, new = read_manifest(published), read_manifest(rebuilt)
    return Difference(
        added=_sorted(new.keys() - old.keys()),
        missing=_sorted(old.keys() - new.keys()),
        changed=_sorted(path for path in old.keys() & new.keys() if old[path] != new[path]),
    )


def compare_inputs(
    published: Iterable[Dependency], rebuilt: Iterable[Dependency]
) -> tuple[str, ...]:
    """`name: uri sha256 -> uri sha256` for each input whose content is not the same."""
    old = {(each.name, each.sha256): each for each in published}
    new = {(each.name, each.sha256): each for each in rebuilt}
    gone = [old[key] for key in old.keys() - new.keys()]
    come = [new[key] for key in new.keys() - old.keys()]
    names = sorted({each.name for each in (*gone, *come)})
    return tuple(f"{name}: {_tell(name, gone)} -> {_tell(name, come)}" for name in names)


def _find_facts(published: Release, rebuilt: Release) -> Iterator[str]:
    if published.recipe != rebuilt.recipe:
        yield "recipe"
    yield from _name_unequal("template", published.templates, rebuilt.templates)
    yield from _name_unequal("asset", published.assets, rebuilt.assets)
    if published.source.swhid != rebuilt.source.swhid:
        yield "source"
    for name in sorted(published.images.keys() | rebuilt.images.keys()):
        old, new = published.images.get(name), rebuilt.images.get(name)
        if old is None or new is None:
            yield f"image {name}"
            continue
        told = old.model_dump(exclude=set(_PAPERS), exclude_none=True)
        again = new.model_dump(include=set(told))
        yield from (f"image {name}: {field}" for field in told if told[field] != again[field])


def _name_unequal(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{kind} {name}"


def _sorted(paths: Iterable[str]) -> tuple[str, ...]:
    """In the order of their letters, and so that any terminal can show them."""
    return tuple(p if p.isprintable() else json.dumps(p)[1:-1] for p in sorted(paths))


def _tell(name: str, dependencies: Iterable[Dependency]) -> str:
    told = sorted(f"{each.uri} {each.sha256}" for each in dependencies if each.name == name)
    return ", ".join(told) or "none"
