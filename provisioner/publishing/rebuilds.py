"""Signatures of those who built an image again, as files beside the TUF repository's own.

They are no TUF targets: a target cannot change without being signed again. Each file proves itself
by its signature, and counts only for who knows the key: docs/decisions/provenance-and-rebuilds.md.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.dsse import append_signature
from provisioner.core.rebuilders import Rebuilder, RebuildPolicy, read_policy, write_policy
from provisioner.errors import KeyRefused
from provisioner.files import write_atomically
from provisioner.publishing.builder import open_key
from provisioner.publishing.keys import read_private
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import Repository

REBUILDER = "rebuilder"


def folder_of(repository: Repository, statement: str) -> Path:
    """Where the rebuilds are that a provenance statement tells of: `rebuilds/<hex>/`.

    Not by the image's digest: two releases may share an image, and each has its own statement.
    """
    return repository.folder / "rebuilds" / statement.removeprefix("sha256:")


def list_rebuilds(repository: Repository, statement: str) -> dict[str, bytes]:
    """Envelopes by file name; nothing is known of them yet."""
    files = sorted(folder_of(repository, statement).glob("*.dsse"))
    return {path.name: path.read_bytes() for path in files if not path.name.startswith(".")}


def open_rebuilder(
    publisher: Publisher, policy: RebuildPolicy, file: Path | None
) -> tuple[Rebuilder, Ed25519PrivateKey]:
    """The key in `file`, or this machine's own, which is made for its first rebuild.

    Raises KeyRefused for one that signs other things here, KeyMissing when its own was moved.
    """
    own = f"{REBUILDER}-1.pem"
    if file is not None:
        key = read_private(file)
        return Rebuilder.of(file.name, key), key
    is_known = any(each.name == own for each in policy.keys)
    key = open_key(publisher.ring, publisher.read_state(), REBUILDER, is_known=is_known)
    return Rebuilder.of(own, key), key


def write_rebuild(
    repository: Repository, statement: str, envelope: bytes, key: Ed25519PrivateKey
) -> Path:
    """Add a signature to the published envelope and keep it as `<keyid>.dsse`; may be repeated.

    Raises KeyRefused for the builder's own key: that would be one voice counted as two.
    """
    try:
        signed = append_signature(envelope, key)
    except ValueError as error:
        raise KeyRefused(str(error), reason=f"{error}; it is the builder's own") from error
    path = folder_of(repository, statement) / f"{Rebuilder.of('', key).keyid}.dsse"
    write_atomically(path, signed)
    return path


def read_rebuild_policy(trust: Path) -> RebuildPolicy:
    """Whose rebuilds count here: `rebuilders.json`. Nobody's without that file.

    Raises KeyRefused for one that cannot be used.
    """
    path = trust / "rebuilders.json"
    try:
        return read_policy(path.read_bytes())
    except FileNotFoundError:
        return RebuildPolicy()
    except (ValueError, OSError) as error:
        raise KeyRefused(str(error), reason=f"{path} cannot be used ({error})") from error


def write_rebuild_policy(trust: Path, policy: RebuildPolicy) -> None:
    """Replace `rebuilders.json`."""
    write_atomically(trust / "rebuilders.json", write_policy(policy))
