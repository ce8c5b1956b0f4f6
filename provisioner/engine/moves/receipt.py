"""The receipt of a move: what the new side counted. Only who has the words can write one."""

from __future__ import annotations

import re
from typing import Any

from provisioner.core.bundle import FORM
from provisioner.core.letter import Letter, read_letter, sign_letter
from provisioner.core.tally import Tally, compare_tallies
from provisioner.engine.backups.phrase import is_proof_of_words, prove_words
from provisioner.engine.context import Context
from provisioner.engine.moves.signing import get_signing_key
from provisioner.errors import ReceiptRefused
from provisioner.models.bundle import Bundle

RECEIPT = "receipt"
PROOF = "proof"
HOME = re.compile(r"https?://[a-z0-9][a-z0-9.-]{0,252}(:[0-9]{1,5})?")


def write_receipt(context: Context, told: dict[str, Any], phrase: str) -> bytes:
    """Signed, and with a proof that whoever wrote it had the community's words."""
    whole = {"form": FORM, **told}
    proved = {**whole, PROOF: prove_words(phrase, whole)}
    return sign_letter(RECEIPT, proved, get_signing_key(context))


def read_receipt(raw: bytes) -> Letter:
    """Raises ReceiptRefused."""
    try:
        letter = read_letter(RECEIPT, raw)
    except ValueError as error:
        raise ReceiptRefused(str(error), reason=f"it cannot be believed: {error}") from error
    if letter.told.get("form") != FORM:
        raise ReceiptRefused(reason="it is of a form that this version of Taarafo does not know")
    return letter


def judge_receipt(letter: Letter, bundle: Bundle, phrase: str) -> str:
    """The new address, once the receipt is for this bundle, was written by who had the words, and
    every count is as it was. Raises ReceiptRefused."""
    told = dict(letter.told)
    if told.get("bundle") != bundle.letter:
        raise ReceiptRefused(reason="it is for another bundle")
    proof = told.pop(PROOF, "")
    if not is_proof_of_words(phrase, told, str(proof)):
        raise ReceiptRefused(reason="whoever wrote it did not have the words of this community")
    try:
        found = Tally.from_json(told["found"])
        home = str(told["home"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReceiptRefused(repr(error), reason="it is not complete") from error
    if flaws := compare_tallies(Tally(bundle.files, bundle.bytes, bundle.rows), found):
        raise ReceiptRefused(reason="; ".join(flaws))
    if not HOME.fullmatch(home):
        raise ReceiptRefused(home, reason="its new address is none")
    return home
