"""The words that open a community's backups: minted once, and sealed like its other secrets."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

from provisioner.adapters.vault import FernetVault
from provisioner.core.card import make_card, read_card
from provisioner.core.keeping import phrase_secret
from provisioner.engine.context import Context
from provisioner.engine.work import Work
from provisioner.errors import NotFound, RestoreFailed, SaidBadly, SettingWrong
from provisioner.models.card import Card
from provisioner.models.community import Community

PHRASE = "backup_phrase"  # its name among the sealed secrets
SOURCE_KEYS = "source_keys"  # of the S3 store that it is brought back from, until it is here
STRENGTH = 256  # bits: 24 words (BIP-39)
PURPOSE = b"taarafo card 1"
PROOF_PURPOSE = b"taarafo receipt 1"
_WORD = re.compile(r"[^\W\d_]+")


def mint_phrase() -> str:
    return Mnemonic("english").generate(STRENGTH)


def read_phrase(typed: str) -> str:
    """The words as they were minted, of what somebody typed or scanned: also with numbers, in
    capitals, or with only the first four letters of each (BIP-39). Raises SaidBadly."""
    book = Mnemonic("english")
    words = _WORD.findall(Mnemonic.normalize_string(typed).lower())
    whole = [book.expand_word(word) for word in words]
    strange = [word for word in whole if word not in book.wordlist]
    if strange:
        raise SaidBadly(f"“{strange[0]}” is none of the words that we use. Look again.", "phrase")
    if len(whole) != STRENGTH // 32 * 3:
        raise SaidBadly(f"We need 24 words, and here are {len(whole)}.", "phrase")
    if not book.check(" ".join(whole)):
        raise SaidBadly(
            "All of these words are known, but together they are not right: one of them is "
            "another, or two changed places. Compare them with your paper.",
            "phrase",
        )
    return " ".join(whole)


def ensure_phrase(work: Work) -> None:
    """Mint it if there is none, and hand it to the Swarm for the jobs of this operation."""
    if PHRASE not in work.secrets:
        work.keep_secrets({PHRASE: mint_phrase()})
    labels = {"org.taarafo.of": work.community.id}
    value = Mnemonic.normalize_string(work.secrets[PHRASE]).encode()
    work.context.engine.ensure_secret(phrase_secret(work.community, work.place), value, labels)


def get_phrase(context: Context, community: Community) -> str:
    """The words themselves, for the operator who asked to see them. Raises NotFound."""
    secrets = json.loads(context.vault.unseal(community.sealed_secrets))
    if PHRASE not in secrets:
        raise NotFound(what="phrase", name=community.address)
    return str(secrets[PHRASE])


def withdraw_phrase(work: Work) -> None:
    """It stays on no node longer than it is needed."""
    work.context.engine.remove_secret(phrase_secret(work.community, work.place))


def seal_card(work: Work) -> str:
    """All that the community is beside its data, so that only its words open it."""
    told = {
        name: value for name, value in work.secrets.items() if name not in (PHRASE, SOURCE_KEYS)
    }
    card = make_card(work.community, told).model_dump_json()
    return _open_vault(work.secrets[PHRASE]).seal(card.encode()).decode()


def open_card(sealed: str, phrase: str) -> Card:
    """Raises RestoreFailed."""
    try:
        return read_card(_open_vault(phrase).unseal(sealed.encode()))
    except (SettingWrong, ValueError) as error:
        reason = "what it says of the community cannot be read by this version of Taarafo"
        raise RestoreFailed(repr(error), reason=reason) from error


def prove_words(phrase: str, told: Mapping[str, Any]) -> str:
    """What only who has the words can say about `told`: HMAC-SHA-256, in hex."""
    text = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(_derive(phrase, PROOF_PURPOSE), text, "sha256").hexdigest()


def is_proof_of_words(phrase: str, told: Mapping[str, Any], proof: str) -> bool:
    return bool(phrase) and hmac.compare_digest(prove_words(phrase, told), proof)


def _open_vault(phrase: str) -> FernetVault:
    """Its key is derived from the words (BIP-39's seed, then HKDF of RFC 5869)."""
    return FernetVault(base64.urlsafe_b64encode(_derive(phrase, PURPOSE)))


def _derive(phrase: str, purpose: bytes) -> bytes:
    seed = Mnemonic.to_seed(phrase)
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(seed)
