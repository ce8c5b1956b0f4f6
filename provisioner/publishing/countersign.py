"""One more signature on a change that waits, by whoever holds one of the keys."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata

from provisioner.errors import KeyRefused
from provisioner.publishing.keys import ONLINE, read_private, value_of
from provisioner.publishing.pending import find_proposal, write_signed
from provisioner.publishing.proposal import Proposal, keys_that_count
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.settle import Ceremony, finish_change, propose
from provisioner.publishing.sign import is_near_expiry


def sign_waiting(
    publisher: Publisher, role: str, key_file: Path | None, *, now: datetime
) -> Ceremony:
    """Sign what waits of a role with one key file, and publish once enough have signed.

    Without a file nothing is signed: what waits is told, and published if enough have signed. When
    nothing waits and half of a role's time is over, the role itself is proposed again: so shared
    roles are kept alive. Raises KeyRefused.
    """
    with publisher.repository.locked():
        begun = finish_change(publisher, now)
        if begun is None and key_file is not None:
            begun = _propose_again(publisher, role, key_file, now)
        if begun is None:
            raise KeyRefused(reason=f"nothing of {role} waits for a signature")
        if begun.is_published or key_file is None:
            return begun
        return _countersign(publisher, role, key_file, now)


def _countersign(publisher: Publisher, role: str, key_file: Path, now: datetime) -> Ceremony:
    proposal = find_proposal(publisher)
    if proposal is None or role not in proposal.roles:
        raise KeyRefused(reason=f"nothing of {role} waits for a signature")
    signer = _get_signer(publisher.read_state(), proposal, role, key_file)
    proposal.roles[role].sign(signer, append=True)
    write_signed(publisher, role, proposal.roles[role])
    return finish_change(publisher, now) or Ceremony()


def _propose_again(
    publisher: Publisher, role: str, key_file: Path, now: datetime
) -> Ceremony | None:
    """The same content with a new time, when it is time for that."""
    state = publisher.read_state()
    known: dict[str, Metadata[Any]] = {name: each for name, each, _ in state.each_role()}
    if role in ONLINE or role not in known:
        return None
    if not is_near_expiry(known[role].signed.expires, role, now):
        return None
    _get_signer(state, Proposal({}), role, key_file)
    return propose(publisher, {role: known[role]}, now)


def _get_signer(state: State, proposal: Proposal, role: str, key_file: Path) -> CryptoSigner:
    private = read_private(key_file)
    value = value_of(SSlibKey.from_crypto(private.public_key()))
    for key in keys_that_count(state, proposal, role).values():
        if value_of(key) == value and isinstance(key, SSlibKey):
            return CryptoSigner(private, key)
    raise KeyRefused(reason=f"{key_file} is not one of the keys of {role}")
