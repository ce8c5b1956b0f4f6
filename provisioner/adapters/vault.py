"""Seals small secrets with the master key: Fernet (AES-128-CBC and HMAC-SHA-256)."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from provisioner.errors import SettingWrong


class FernetVault:
    """The port `Vault`."""

    def __init__(self, key: bytes) -> None:
        try:
            self._fernet, self._key = Fernet(key), key
        except ValueError as error:
            raise SettingWrong(name="master key", reason="it is not a Fernet key") from error

    def seal(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise SettingWrong(
                name="master key", reason="it did not seal what the database holds"
            ) from error

    def derive(self, purpose: str) -> bytes:
        """HKDF of RFC 5869, with SHA-256."""
        info = f"taarafo {purpose}".encode()
        kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info)
        return kdf.derive(self._key)


def new_master_key() -> bytes:
    return Fernet.generate_key()
