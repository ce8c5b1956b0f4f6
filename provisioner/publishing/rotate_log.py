"""The public log takes a new key under its old name: a ceremony of the root's keys.

In this order, so that every reader finds a checkpoint that is signed by the key it knows of: the
new key is made; the witnesses have cosigned what it alone signs; both keys sign the newest
checkpoint; then the new root names the new key. From then on the old one counts for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from provisioner.core.log_policy import plan_log_rotation
from provisioner.core.tlog.note import read_note, write_vkey
from provisioner.errors import KeyRefused, LogKeyUnknown, WitnessesMissing
from provisioner.files import remove_unfinished
from provisioner.publishing.delegation import RETIRED_FIELD, list_retired
from provisioner.publishing.keys import LOG, name_of, value_of
from provisioner.publishing.log import Log
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.settle import Ceremony, finish_earlier, propose


def rotate_log_key(publisher: Publisher, *, now: datetime) -> Ceremony:
    """Raises KeyRefused, and LogKeyUnknown while too few witnesses know of the new key: it is kept,
    and the same again goes on with it."""
    with publisher.repository.locked():
        remove_unfinished(publisher.repository.folder)
        if begun := finish_earlier(publisher, now):
            return begun
        root = publisher.read_state().root
        fields = root.signed.unrecognized_fields
        log = publisher.open_log(root.signed)
        log.require_key()
        public = bytes.fromhex(value_of(publisher.ring.ensure_next(LOG, 1)))
        try:
            planned = plan_log_rotation(fields, public)
        except ValueError as error:
            raise KeyRefused(str(error), reason=str(error)) from error
        fields |= planned
        after = publisher.open_log(root.signed)
        _ask_witnesses(publisher, log, after)
        replace(log, privates=after.privates).sign_anew(publisher.cosign)
        old = log.key.public.hex()
        fields[RETIRED_FIELD] = list_retired(root.signed) | {old: name_of(LOG, 1)}
        return propose(publisher, {"root": root}, now)


def _ask_witnesses(publisher: Publisher, log: Log, after: Log) -> None:
    """Whether a quorum cosigns what the new key alone has signed."""
    new = [p for p in after.privates if p.public_key().public_bytes_raw() == after.key.public]
    text = read_note(log.read_sequenced()[1]).text
    signed = replace(after, privates=tuple(new)).sign(text)
    try:
        publisher.cosign(signed, after.policy, log.prove_consistency)
    except WitnessesMissing as error:
        raise LogKeyUnknown(error.detail, **error.facts, vkey=write_vkey(after.key)) from error
