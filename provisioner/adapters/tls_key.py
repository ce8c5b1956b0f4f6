"""The public key that a server showed on a TLS connection, as a hash that can be compared."""

from __future__ import annotations

import hashlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def hash_key(sock: ssl.SSLSocket) -> str:
    """`sha256:<hex>` of the server's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).

    Raises ValueError when its certificate cannot be read.
    """
    certificate = x509.load_der_x509_certificate(sock.getpeercert(binary_form=True) or b"")
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(key).hexdigest()}"
