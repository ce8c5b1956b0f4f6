"""A verdict to share: a verification summary (SLSA v1.0, `verification_summary/v1`).

It is an in-toto Statement v1 about the images of the release. SLSA's levels speak of builds, and a
check judges what runs, so it claims none of them: the level is a word of ours, or FAILED.
"""

from __future__ import annotations

import hashlib
import json

from provisioner.models.evidence import STATEMENT
from provisioner.models.release import Release
from provisioner.models.saved_check import SavedCheck
from provisioner.models.verdict import Outcome, Verdict

PREDICATE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "https://taarafo.example/check/v1"
POLICY = "https://taarafo.example/appraisal/v1"
GENUINE_LEVEL = "TAARAFO_RUNS_AS_RELEASED"  # SLSA reserves words that begin with its own name


def write_summary(saved: SavedCheck, raw: bytes, verdict: Verdict) -> bytes:
    """What a saved check was judged to be; `raw` are the bytes of its file, as they are.

    `timeVerified` is the moment for which it was judged, which is the saved check's own claim.
    Raises ValueError when its release cannot be read.
    """
    release = Release.from_bytes(saved.published.release.encode())
    is_passed = verdict.outcome is Outcome.GENUINE
    statement = {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": _digest_of(image.digest)}
            for name, image in sorted(release.images.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {"id": VERIFIER},
            "timeVerified": saved.saved_at,
            "resourceUri": f"taarafo:{saved.address}",
            "policy": {"uri": POLICY},
            "inputAttestations": [
                _attestation(f"taarafo:{saved.address}/evidence", saved.envelope.encode()),
                _attestation(f"taarafo:{release.target}", saved.published.release.encode()),
                _attestation("taarafo:saved-check", raw),
            ],
            "verificationResult": "PASSED" if is_passed else "FAILED",
            "verifiedLevels": [GENUINE_LEVEL if is_passed else "FAILED"],
            "slsaVersion": "1.0",
        },
    }
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _attestation(uri: str, content: bytes) -> dict[str, object]:
    return {"uri": uri, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}


def _digest_of(text: str) -> dict[str, str]:
    """`sha256:…` as in-toto writes it."""
    algorithm, _, value = text.partition(":")
    return {algorithm: value}
