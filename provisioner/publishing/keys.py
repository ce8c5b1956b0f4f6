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

from provisioner.core.tuf_keys import ED25519, is_well_written, plan_key_id
from provisioner.errors import KeyMissing, KeyRefused
from provisioner.files import write_atomically

FILE_FIELD = "x-taarafo-file"  # in the public half: which file holds the private one
NEXT = ".next"  # ending of a key that is made, and will take the place of the one in use
ONLINE = ("snapshot", "timestamp")
LOG = "log"  # the role of the public log's key file; it is no role of TUF


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
        name = name_of(role, number)
        return self._ensure(self.find_file(name) or self.home / name, role, name)

    def ensure_next(self, role: str, number: int) -> Key:
        """The public half of the key that will be `<role>-<number>.pem`; made beside that one."""
        name = name_of(role, number)
        place = self.find_file(name + NEXT) or self.find_file(name) or self.home / name
        return self._ensure(place.with_name(name + NEXT), role, name)

    def ensure_private(self, role: str, number: int) -> Ed25519PrivateKey:
        """The private half of `<role>-<number>.pem`, made unless it exists; for what is no TUF."""
        self.ensure_key(role, number)
        path = self.find_file(f"{role}-{number}.pem")
        if path is None:
            raise KeyRefused(reason=f"the key file {role}-{number}.pem was taken away just now")
        return read_private(path)

    def list_privates(self, role: str, number: int) -> tuple[Ed25519PrivateKey, ...]:
        """Of `<role>-<number>.pem`, and of the key that will take its place, if any is made."""
        name = name_of(role, number)
        paths = (self.find_file(name), self.find_file(name + NEXT))
        return tuple(read_private(path) for path in paths if path)

    def find_signer(self, key: Key) -> Signer | None:
        """What signs for a public key, or None when its file is not here.

        A rotation that is under way has two files for one name; the one with this key signs.
        """
        name = file_of(key)
        paths = [self.find_file(name + NEXT), self.find_file(name)] if name else []
        for path in filter(None, paths):
            private = read_private(path)
            if SSlibKey.from_crypto(private.public_key()).keyval == key.keyval:
                return CryptoSigner(private)
        if paths and paths[-1]:
            raise KeyRefused(reason=f"{paths[-1]} holds another key than the one it is named for")
        return None

    def has(self, key: Key) -> bool:
        """Whether a file here signs for a public key. Raises KeyRefused when none may be read."""
        self.find_file(file_of(key))
        try:
            return self.find_signer(key) is not None
        except KeyRefused:  # a file of that name holds something else
            return False

    def get_signers(self, role_name: str, role: Role, keys: dict[str, Key]) -> list[Signer]:
        """Everybody who can sign for a role here. Raises KeyMissing below the threshold."""
        holders = [keys[keyid] for keyid in role.keyids]
        found = {key.keyid: self.find_signer(key) for key in holders}
        signers = [signer for signer in found.values() if signer is not None]
        if len(signers) < role.threshold:
            missing = [label_of(key) for key in holders if found[key.keyid] is None]
            raise KeyMissing(
                role=role_name,
                needed=role.threshold,
                found=len(signers),
                missing=", ".join(missing),
                folders=" or ".join(str(folder) for folder in self.folders),
            )
        return signers

    def give_online(self, path: Path, role: str) -> None:
        """Let the worker read a key of an online role, when root makes it."""
        if role in ONLINE and self.online_uid is not None and os.geteuid() == 0:
            shutil.chown(path, self.online_uid, self.online_uid)

    def _ensure(self, path: Path, role: str, name: str) -> Key:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(path, CryptoSigner.generate_ed25519().private_bytes, mode=0o600)
        self.give_online(path, role)
        return name_key(SSlibKey.from_crypto(read_private(path).public_key()), name)


def name_of(role: str, number: int) -> str:
    """`root-1.pem`."""
    return f"{role}-{number}.pem"


def file_of(key: Key) -> str:
    """`root-1.pem`: the file that holds the private half, or "" when none was recorded."""
    name = str(key.unrecognized_fields.get(FILE_FIELD, ""))
    return name if name == Path(name).name else ""  # a foreign name leads nowhere else


def name_key(key: Key, name: str) -> Key:
    """Record which file holds the private half."""
    key.unrecognized_fields[FILE_FIELD] = name
    return key


def label_of(key: Key) -> str:
    """What people call a key: its file, or the beginning of its id."""
    return file_of(key) or key.keyid[:12]


def value_of(key: Key) -> str:
    """The public value in hex: what makes two keys one, whatever their ids."""
    return str(key.keyval.get("public"))


def refuse_twins(keys: Iterable[Key]) -> None:
    """One value under two ids or files would count twice toward a threshold (TUF, DSSE).

    So would one that is spelt in two ways; and an id that is not the one of its value could stand
    for another key than the one that people know by it.
    """
    seen: dict[str, Key] = {}
    for key in keys:
        if (key.keytype, key.scheme) != (ED25519, ED25519) or not is_well_written(value_of(key)):
            raise KeyRefused(reason=f"{label_of(key)} is not a key in its one right form")
        other = seen.setdefault(value_of(key), key)
        if (other.keyid, file_of(other)) != (key.keyid, file_of(key)):
            raise KeyRefused(reason=f"{label_of(key)} and {label_of(other)} are the same key")
    for key in seen.values():
        if key.keyid != plan_key_id(value_of(key)):
            raise KeyRefused(reason=f"{label_of(key)} has an id that belongs to another key")


def read_private(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file (RFC 8410). Raises KeyRefused."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        raise KeyRefused(str(error), reason=f"the key file {path} cannot be read") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyRefused(reason=f"the key file {path} is not an Ed25519 key")
    return private
