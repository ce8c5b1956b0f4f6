"""Finds the release and file manifest a container claims, to tell its files as differences.

Nothing read here is trusted by anybody: it only keeps evidence small. The verifier takes its own
reference from signed metadata. Files are found by content: `<sha256>.<name>`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.agent.containers import Running
from provisioner.core.appraisal.contract import Contract, is_made_from, read_contract

_TARGET = re.compile(r"app/[a-z][a-z0-9-]*/[a-z][a-z0-9-]*/[0-9.]+/release\.json").fullmatch
_MANIFEST = re.compile(r"files/[0-9a-f]{64}\.jsonl").fullmatch
_LIMIT = 64 << 20


@dataclass(frozen=True)
class Claim:
    """What the container says it runs: the contract, and the manifest text ("" if unknown)."""

    contract: Contract
    manifest: bytes = b""


def find_claim(repository: Path, container: Running) -> Claim:
    """The release of the container's label that has its image, if it is in the repository."""
    target = container.labels.get("org.taarafo.release", "")
    if _TARGET(target):
        for raw in _find_by_content(repository / "targets", target):
            claim = _read_claim(repository, raw, container)
            if claim:
                return claim
    return Claim(Contract(settings=container.settings))


def find_proof(repository: Path, target: str) -> bytes | None:
    """The log's proof for the role that signs this release (C2SP tlog-proof), to be passed on."""
    if not _TARGET(target):
        return None
    _, recipe, channel, *_ = target.split("/")
    path = repository / "log" / "proof" / f"app-{recipe}-{channel}.tlog-proof"
    try:
        return path.read_bytes() if path.stat().st_size <= _LIMIT else None
    except OSError:
        return None


def _read_claim(repository: Path, raw: bytes, container: Running) -> Claim | None:
    try:
        release: dict[str, Any] = json.loads(raw)
        for image in release["images"].values():
            digests = (image["digest"], image["config_digest"])
            if not is_made_from(container.image, container.image_id, digests):
                continue
            target = image["files_target"]
            found = _find_by_content(repository / "targets", target) if _MANIFEST(target) else ()
            manifest = next(iter(found), b"")
            return Claim(read_contract(_find_service(release["recipe"], container)), manifest)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def _find_service(recipe: dict[str, Any], container: Running) -> dict[str, Any]:
    """What the recipe says of the container's service. Raises KeyError."""
    services = recipe.get("services") or {"app": recipe["service"]}
    service: dict[str, Any] = services[container.labels.get("org.taarafo.service", "")]
    return service


def _find_by_content(targets: Path, target: str) -> Iterator[bytes]:
    """The stored versions of a target whose name is their own hash."""
    path = targets / target
    for stored in sorted(path.parent.glob(f"*.{path.name}")):
        if stored.stat().st_size <= _LIMIT:
            raw = stored.read_bytes()
            if stored.name == f"{hashlib.sha256(raw).hexdigest()}.{path.name}":
                yield raw
