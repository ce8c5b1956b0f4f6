"""Signing keys: one Ed25519 PEM file each, found by name, and never one value under two ids."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey
from tuf.api.metadata import Role

from provisioner.errors import KeyMissing, KeyRefused
from provisioner.files import write_atomically

FILE_FIELD = "x-taarafo-file"  # in the public half: which file holds the private one
ONLINE = ("snapshot", "timestamp")


@dataclass(frozen=True)
class KeyRing:
    """The folders where key files are looked for; new ones are made in the first.

    `online_uid` owns the two online keys (the worker signs with them); only root can give away.
    """

    folders: tuple[Path, ...]
    online_uid: int | None = None

    @property
    def home(self) -> Path:
        return self.folders[0]

    def find_file(self, name: str) -> Path | None:
        try:
            return next((f / name for f in self.folders if (f / name).is_file()), None)
        except PermissionError as error:
            reason = f"{error.filename} may not be read by this user"
            raise KeyRefused(str(error), reason=reason) from error

    def ensure_key(self, role: str, number: int) -> Key:
        """The public half of `<role>-<number>.pem`, which is made unless it exists."""
        name = f"{role}-{number}.pem"
        path = self.find_file(name) or self.home / name
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(path, CryptoSigner.generate_ed25519().private_bytes, mode=0o600)
        if role in ONLINE and self.online_uid is not None and os.geteuid() == 0:
            shutil.chown(path, self.online_uid, self.online_uid)
        return _public_half(read_private(path), name)

    def ensure_private(self, role: str, number: int) -> Ed25519PrivateKey:
        """The private half of `<role>-<number>.pem`, made unless it exists; for what is no TUF."""
        self.ensure_key(role, number)
        path = self.find_file(f"{role}-{number}.pem")
        if path is None:
            raise KeyRefused(reason=f"the key file {role}-{number}.pem was taken away just now")
        return read_private(path)

    def find_private(self, role: str, number: int) -> Ed25519PrivateKey | None:
        path = self.find_file(f"{role}-{number}.pem")
        return read_private(path) if path else None

    def find_signer(self, key: Key) -> Signer | None:
        """What signs for a public key, or None when its file is not here."""
        name = file_of(key)
        path = self.find_file(name) if name else None
        if path is None:
            return None
        private = read_private(path)
        if _public_half(private, name).keyval != key.keyval:
            raise KeyRefused(reason=f"{path} holds another key than the one it is named for")
        return CryptoSigner(private)

    def get_signers(self, role_name: str, role: Role, keys: dict[str, Key]) -> list[Signer]:
        """Everybody who can sign for a role here. Raises KeyMissing below the threshold."""
        holders = [keys[keyid] for keyid in role.keyids]
        found = {key.keyid: self.find_signer(key) for key in holders}
        signers = [signer for signer in found.values() if signer is not None]
        if len(signers) < role.threshold:
            missing = [file_of(key) for key in holders if found[key.keyid] is None]
            raise KeyMissing(
                role=role_name,
                needed=role.threshold,
                found=len(signers),
                missing=", ".join(missing),
                folders=" or ".join(str(folder) for folder in self.folders),
            )
        return signers


def file_of(key: Key) -> str:
    """`root-1.pem`: the file that holds the private half, or "" when it was not recorded."""
    return str(key.unrecognized_fields.get(FILE_FIELD, ""))


def refuse_twins(keys: Iterable[Key]) -> None:
    """One value under two ids or files would count twice toward a threshold (TUF, DSSE)."""
    seen: dict[str, tuple[str, str]] = {}
    for key in keys:
        holder = (key.keyid, file_of(key))
        other = seen.setdefault(str(key.keyval.get("public")), holder)
        if other != holder:
            raise KeyRefused(reason=f"{_label(holder)} and {_label(other)} are the same key")


def _label(holder: tuple[str, str]) -> str:
    return holder[1] or holder[0][:12]


def read_private(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file (RFC 8410). Raises KeyRefused."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        raise KeyRefused(str(error), reason=f"the key file {path} cannot be read") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyRefused(reason=f"the key file {path} is not an Ed25519 key")
    return private


def _public_half(private: Ed25519PrivateKey, name: str) -> Key:
    key = SSlibKey.from_crypto(private.public_key())
    key.unrecognized_fields[FILE_FIELD] = name
    return key
