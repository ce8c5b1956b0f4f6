"""The bill of materials of an image: a CycloneDX 1.6 JSON document, the same bytes every time.

It has no date, and its serial number is made of its content.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from provisioner.publishing.materials import Kind, Material, image_uri

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://taarafo.example/bom/v1")
_TYPES = {
    Kind.DEBIAN: "library",
    Kind.PYTHON: "library",
    Kind.IMAGE: "container",
    Kind.SOURCE: "file",
}


def plan_bom(name: str, version: str, digest: str, materials: Sequence[Material]) -> bytes:
    """The document about the image `name` with the manifest digest `sha256:…`.

    `version` is the release's. Every material is a component; the dependencies say which went
    into which image.
    """
    main = {
        "type": "container",
        "bom-ref": image_uri(name, digest),
        "name": name,
        "version": version,
        "purl": image_uri(name, digest),
        "hashes": _hashes(digest.removeprefix("sha256:")),
    }
    document: dict[str, Any] = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": main, "lifecycles": [{"phase": "build"}]},
        "components": [_describe(each) for each in _distinct(materials)],
        "dependencies": _list_dependencies(name, str(main["bom-ref"]), materials),
    }
    content = hashlib.sha256(_write(document)).hexdigest()
    return _write(document | {"serialNumber": uuid.uuid5(NAMESPACE, content).urn})


def _describe(material: Material) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": _TYPES[material.kind],
        "bom-ref": material.ref,
        "name": material.name,
        "hashes": _hashes(material.sha256),
    }
    if material.version:
        component["version"] = material.version
    if material.kind is Kind.SOURCE:
        component["swhid"] = [material.uri]
    else:
        component["purl"] = material.uri
    return component


def _list_dependencies(name: str, main: str, materials: Sequence[Material]) -> list[dict[str, Any]]:
    images = {each.name: each.ref for each in materials if each.kind is Kind.IMAGE} | {name: main}
    return [
        {
            "ref": ref,
            "dependsOn": sorted({each.ref for each in materials if each.part_of == image}),
        }
        for image, ref in sorted(images.items(), key=lambda one: one[1])
    ]


def _distinct(materials: Sequence[Material]) -> list[Material]:
    """One of each, sorted: two images may hold the same package."""
    found = {each.ref: each for each in materials}
    return [found[ref] for ref in sorted(found)]


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _write(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
