"""A change that waits comes from a machine of others: what nobody is shown, nobody may sign."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata

from provisioner.core.tuf_keys import plan_key_id
from provisioner.errors import KeyRefused
from provisioner.publishing.changes import list_changes
from provisioner.publishing.countersign import sign_waiting
from provisioner.publishing.delegation import RETIRED_FIELD
from provisioner.publishing.keys import read_private
from provisioner.publishing.pending import write_proposal
from provisioner.publishing.proposal import Proposal
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.rotate import rotate_key
from tests.publishing.place import APP, NOW

MALLORYS = CryptoSigner.generate_ed25519()
Change = Callable[[Metadata[Any]], None]


def take_over_a_key(root: Metadata[Any]) -> None:
    """Anna's id, name and file, and another key behind them."""
    annas = root.signed.roles["root"].keyids[2]
    was = root.signed.keys[annas]
    public = {"public": MALLORYS.public_key.keyval["public"]}
    root.signed.keys[annas] = SSlibKey(annas, *KIND, public, dict(was.unrecognized_fields))


def list_under_another_id(root: Metadata[Any]) -> None:
    keyids = root.signed.roles["root"].keyids
    was = root.signed.keys.pop(keyids[2])
    keyids[2] = "0" * 64
    root.signed.keys["0" * 64] = SSlibKey("0" * 64, *KIND, dict(was.keyval))


def spell_a_key_otherwise(root: Metadata[Any]) -> None:
    annas = root.signed.roles["root"].keyids[2]
    root.signed.keys[annas].keyval["public"] = root.signed.keys[annas].keyval["public"].upper()


def forget_what_was_retired(root: Metadata[Any]) -> None:
    root.signed.unrecognized_fields.pop(RETIRED_FIELD)


def publish_without_hashes(root: Metadata[Any]) -> None:
    root.signed.consistent_snapshot = False


def delegate_everything(targets: Metadata[Any]) -> None:
    role = targets.signed.delegations.roles[APP]
    role.paths, role.path_hash_prefixes = None, [""]


def end_the_search(targets: Metadata[Any]) -> None:
    targets.signed.delegations.roles[APP].terminating = True


KIND = ("ed25519", "ed25519")
UNFIT: dict[str, tuple[str, Change]] = {
    "a taken-over key": ("root", take_over_a_key),
    "another id": ("root", list_under_another_id),
    "another spelling": ("root", spell_a_key_otherwise),
    "retired keys forgotten": ("root", forget_what_was_retired),
    "no hashes": ("root", publish_without_hashes),
    "every path": ("targets", delegate_everything),
    "an end": ("targets", end_the_search),
}


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.attack("one of three root keys is stolen: a change that reads as harmless", "REJECTED")
def test_what_no_sentence_shows_is_refused(publisher: Publisher, name: str) -> None:
    """Signed by Mallory alone, who holds one key of the root and one machine of the ceremony."""
    rotate_key(publisher, "root", 1, now=NOW)
    before = publisher.read_state().root.to_bytes()
    role, change = UNFIT[name]
    proposed = deepcopy(publisher.read_state().get_role(role)[0])
    proposed.signed.version += 1
    change(proposed)
    proposed.signatures.clear()
    proposed.sign(signer_of(publisher, f"{role}-1.pem"), append=True)
    write_proposal(publisher, Proposal({role: proposed}))
    for key_file in (None, publisher.ring.home / f"{role}-2.pem"):
        with pytest.raises(KeyRefused):
            sign_waiting(publisher, role, key_file, now=NOW)
    assert publisher.read_state().root.to_bytes() == before


def test_everything_else_that_changes_is_shown_by_its_name(publisher: Publisher) -> None:
    state = publisher.read_state()
    root, targets = deepcopy(state.root), deepcopy(state.targets)
    root.signed.unrecognized_fields["x-strange"] = {"a": 1}
    targets.signed.delegations.roles[APP].unrecognized_fields["x-odd"] = 7
    told = " ".join(list_changes(state, Proposal({"root": root, "targets": targets})))
    assert 'Something else changes: x-strange becomes {"a": 1}.' in told
    assert f"Something else changes: {APP}.x-odd becomes 7." in told


def test_a_key_that_becomes_another_is_shown(publisher: Publisher) -> None:
    state = publisher.read_state()
    root = deepcopy(state.root)
    take_over_a_key(root)
    told = list(list_changes(state, Proposal({"root": root})))
    assert any("may sign root from now on" in sentence for sentence in told)
    assert any("may not sign root any more" in sentence for sentence in told)


def test_ids_are_the_librarys_own() -> None:
    public = MALLORYS.public_key
    assert plan_key_id(public.keyval["public"]) == public.keyid


def signer_of(publisher: Publisher, name: str) -> CryptoSigner:
    return CryptoSigner(read_private(publisher.ring.home / name))
