"""The words that open a community's backups: minted once, and sealed like its other secrets."""

from __future__ import annotations

import json

from mnemonic import Mnemonic

from provisioner.core.keeping import phrase_secret
from provisioner.engine.work import Work

PHRASE = "backup_phrase"  # its name among the sealed secrets
STRENGTH = 256  # bits: 24 words (BIP-39)


def ensure_phrase(work: Work) -> None:
    """Mint it if there is none, and hand it to the Swarm for the jobs of this operation."""
    secrets = work.secrets
    if PHRASE not in secrets:
        secrets[PHRASE] = Mnemonic("english").generate(STRENGTH)
        work.change(sealed_secrets=work.context.vault.seal(json.dumps(secrets).encode()))
    labels = {"org.taarafo.of": work.community.id}
    value = Mnemonic.normalize_string(secrets[PHRASE]).encode()
    work.context.engine.ensure_secret(phrase_secret(work.community, work.place), value, labels)


def withdraw_phrase(work: Work) -> None:
    """It stays on no node longer than it is needed."""
    work.context.engine.remove_secret(phrase_secret(work.community, work.place))
