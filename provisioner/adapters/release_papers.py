"""Reads and checks what is published beside an image: its bill of materials and provenance."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provisioner.adapters.release_session import Session
from provisioner.core.appraisal.dsse import Envelope, find_signer, read_envelope
from provisioner.core.provenance import digest_of, find_misfit
from provisioner.errors import ReleaseRejected
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.release import Release

PAPER_BYTES = 4_000_000


@dataclass(frozen=True)
class BuilderKey:
    """The key that the signed entry names."""

    verifier: Ed25519PublicKey


def check_papers(session: Session, release: Release, image: str) -> None:
    """Raises ReleaseRejected, or whatever the session raises, unless all are as they should be.

    A release from before there were papers names none.
    """
    promised = release.images[image]
    if promised.sbom:
        bom = session.get_content(release.sbom_target(image), PAPER_BYTES)
        if digest_of(bom) != promised.sbom:
            reason = "its bill of materials is another one than the release names"
            raise ReleaseRejected(reason=reason)
    if promised.provenance_statement:
        read_provenance_of(session, release, image)


def read_provenance_of(session: Session, release: Release, image: str) -> bytes:
    """The envelope, signed by the builder that its entry names. Raises ReleaseRejected."""
    target = release.provenance_target(image)
    raw = session.get_content(target, PAPER_BYTES)
    try:
        envelope = read_envelope(raw)
        misfit = find_misfit(envelope.payload, release, image) or _find_fault(
            envelope, session.find_builder(target)
        )
    except ValueError as error:
        misfit = f"its provenance cannot be used: {error}"
    if misfit:
        raise ReleaseRejected(reason=misfit)
    return raw


def _find_fault(envelope: Envelope, builder: str) -> str:
    """Raises ValueError for a key that is none."""
    if envelope.payload_type != PAYLOAD_TYPE:
        return "its provenance is signed as something else"
    key = BuilderKey(Ed25519PublicKey.from_public_bytes(base64.b64decode(builder, validate=True)))
    return "" if find_signer(envelope, [key]) else "its builder did not sign its provenance"
