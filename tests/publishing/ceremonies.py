"""What the tests of key ceremonies look at, and what a thief of old keys can do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Signature
from tuf.api.metadata import Metadata, MetaFile

from provisioner.adapters.release_inspection import verify_repository
from provisioner.adapters.release_sources import FolderSource
from provisioner.core.log_entries import entry_of_metadata
from provisioner.publishing.delegation import keys_for, list_retired
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.sign import lifetime_of
from tests.publishing.place import APP, NOW, tell_log

ROLES = ("root", "targets", APP, "snapshot", "timestamp")


def problems_of(publisher: Publisher) -> tuple[str, ...]:
    """What a stranger who starts from the shipped root finds wrong."""
    source = FolderSource(publisher.repository.folder)
    return verify_repository(source, root=publisher.shipped_root.read_bytes()).problems


def ids_of(publisher: Publisher, role: str) -> list[str]:
    state = publisher.read_state()
    return [key.keyid for key in keys_for(state.get_role(role)[1], role)]


def list_all_retired(publisher: Publisher) -> dict[str, str]:
    state = publisher.read_state()
    return list_retired(state.root.signed) | list_retired(state.targets.signed)


def left_behind(publisher: Publisher) -> list[str]:
    """Files of a ceremony that is not over."""
    folder = publisher.ring.home.parent
    return [str(p) for p in folder.rglob("*") if "pending" in p.name or ".n" in p.suffix]


def copy_keys(publisher: Publisher, to: Path) -> Path:
    return Path(shutil.copytree(publisher.ring.home, to))


def signer_in(path: Path) -> CryptoSigner:
    return CryptoSigner(load_pem_private_key(path.read_bytes(), None))  # type: ignore[arg-type]


def write_public(private: Path, to: Path) -> Path:
    """What somebody who signs elsewhere hands over."""
    public = load_pem_private_key(private.read_bytes(), None).public_key()
    to.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return to


def make_holder(folder: Path, name: str) -> tuple[Path, Path]:
    """Somebody with a key of her own: the private file and the public one."""
    folder.mkdir(parents=True, exist_ok=True)
    private = folder / f"{name}.pem"
    private.write_bytes(CryptoSigner.generate_ed25519().private_bytes)
    return private, write_public(private, folder / f"{name}.pub")


def forge_with(publisher: Publisher, role: str, stolen: Path, *, pose: bool = False) -> None:
    """Publish a next version of a role that only a stolen old key signed.

    The thief may use the online keys that count today, too, but for the role that she forges.
    `pose` puts the ids of today's keys on her signatures.
    """
    state = publisher.read_state()
    metadata, _ = state.get_role(role)
    metadata.signed.version += 1
    _sign(metadata, role, sorted(stolen.glob(f"{role}-?.pem")))
    if pose:
        ids, made = ids_of(publisher, role), list(metadata.signatures.values())
        metadata.signatures = {i: Signature(i, s.signature) for i, s in zip(ids, made, strict=True)}
    content = publisher.repository.write_metadata(role, metadata)
    if role not in ("snapshot", "timestamp"):  # so that what is tested is TUF alone
        entry = entry_of_metadata(role, metadata.signed.version, content)
        tell_log(publisher, state.root.signed, entry)
    if role in ("root", "timestamp"):
        return
    if role != "snapshot":
        state.snapshot.signed.meta[f"{role}.json"] = _meta_of(metadata)
        state.snapshot.signed.version += 1
        _sign(state.snapshot, "snapshot", [publisher.ring.home / "snapshot-1.pem"])
        publisher.repository.write_metadata("snapshot", state.snapshot)
    state.timestamp.signed.snapshot_meta = _meta_of(state.snapshot)
    state.timestamp.signed.version += 1
    _sign(state.timestamp, "timestamp", [publisher.ring.home / "timestamp-1.pem"])
    publisher.repository.write_metadata("timestamp", state.timestamp)


def _sign(metadata: Metadata[Any], role: str, files: list[Path]) -> None:
    assert files
    metadata.signed.expires = NOW + lifetime_of(role)
    metadata.signatures.clear()
    for path in files:
        metadata.sign(signer_in(path), append=True)


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
