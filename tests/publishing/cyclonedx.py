"""What CycloneDX 1.6 asks of a document like ours (its JSON reference), refused when unknown.

Stricter than the schema: only the fields that we write, each in its one form.
"""

from __future__ import annotations

import re
from typing import Any

ALLOWED = {
    "document": {
        *("$schema", "bomFormat", "specVersion", "serialNumber", "version"),
        *("metadata", "components", "dependencies"),
    },
    "metadata": {"component", "lifecycles"},
    "component": {"type", "bom-ref", "name", "version", "purl", "hashes", "swhid"},
    "dependency": {"ref", "dependsOn"},
}
TYPES = {"library", "container", "file"}
PHASES = {"design", "pre-build", "build", "post-build", "operations", "discovery", "decommission"}
SERIAL = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PURL = re.compile(
    r"pkg:(?:deb/debian|pypi|oci)/[A-Za-z0-9.%_-]+@[A-Za-z0-9.%_~:-]+(?:\?arch=[a-z0-9]+)?"
)
SWHID = re.compile(r"swh:1:(?:cnt|dir):[0-9a-f]{40}")


def find_faults(document: dict[str, Any]) -> list[str]:
    """Every reason why this is no bill of materials as we write them."""
    faults = _unknown("document", document)
    faults += [
        f"{name} is {document.get(name)!r}"
        for name, wanted in (
            ("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json"),
            ("bomFormat", "CycloneDX"),
            ("specVersion", "1.6"),
            ("version", 1),
        )
        if document.get(name) != wanted
    ]
    if not SERIAL.fullmatch(document.get("serialNumber", "")):
        faults.append("no serial number")
    metadata = document.get("metadata", {})
    faults += _unknown("metadata", metadata)
    if not {each["phase"] for each in metadata.get("lifecycles", ())} <= PHASES:
        faults.append("an unknown phase")
    components = [metadata.get("component", {}), *document.get("components", ())]
    faults += [fault for each in components for fault in _find_in_component(each)]
    return faults + _find_in_graph(document, [each.get("bom-ref") for each in components])


def _find_in_component(component: dict[str, Any]) -> list[str]:
    name = component.get("name") or "?"
    faults = _unknown("component", component)
    if component.get("type") not in TYPES or not component.get("bom-ref"):
        faults.append(f"{name} has no type or no reference")
    hashes = component.get("hashes", [])
    if [set(each) for each in hashes] != [{"alg", "content"}] or any(
        each["alg"] != "SHA-256" or not re.fullmatch("[0-9a-f]{64}", each["content"])
        for each in hashes
    ):
        faults.append(f"{name} has no SHA-256")
    uris = [component["purl"]] if "purl" in component else component.get("swhid", [])
    if len(uris) != 1 or not any(form.fullmatch(uris[0]) for form in (PURL, SWHID)):
        faults.append(f"{name} cannot be looked up")
    return faults


def _find_in_graph(document: dict[str, Any], refs: list[Any]) -> list[str]:
    faults = [] if len(set(refs)) == len(refs) else ["two components with one reference"]
    reached = {refs[0]}
    for each in document.get("dependencies", ()):
        faults += _unknown("dependency", each)
        reached |= set(each["dependsOn"])
        if len(set(each["dependsOn"])) != len(each["dependsOn"]) or each["ref"] not in refs:
            faults.append(f"{each['ref']} depends on one thing twice, or is no component")
    if reached != set(refs):
        faults.append("the dependencies are not the components")
    return faults


def _unknown(kind: str, value: dict[str, Any]) -> list[str]:
    return [f"{kind} has a field {name}" for name in sorted(set(value) - ALLOWED[kind])]
