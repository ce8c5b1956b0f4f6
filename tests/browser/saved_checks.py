"""A real publisher, an honest saved check of one of its releases, and ways to spoil it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import Key, TargetFile

from provisioner.core.appraisal.agents import AgentKey, row_of
from provisioner.core.appraisal.dsse import seal
from provisioner.core.appraisal.saved import write_saved
from provisioner.core.log_entries import entry_of_agent
from provisioner.core.log_policy import FIELD
from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.entry import Entry, write_entry
from provisioner.core.tlog.note import NoteKey, read_note, write_note
from provisioner.core.tlog.policy import (
    KnownWitness,
    WitnessGroup,
    read_policy,
    write_policy,
)
from provisioner.models.evidence import PAYLOAD_TYPE, Evidence
from provisioner.models.manifest import root_of
from provisioner.models.release import Recipe, Release
from provisioner.models.saved_check import ReleaseCopy, SavedCheck
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import renew_signatures
from tests.core.test_appraisal import ADDRESS, EVIDENCE, MANIFEST, RELEASE, SEEN
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of
from tests.publishing.place import APP, NOW, begin, forge, tell_log

WITNESSES = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, name in enumerate(("anna", "bert", "carl"), start=7)
}
IMAGE = RELEASE.images["app"].model_copy(update={"files_target": f"files/{root_of(MANIFEST)[7:]}.jsonl"})


def moment(minutes: float = 0) -> str:
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def release_of(version: str, **changes: Any) -> Release:
    """The release of tests/core/test_appraisal, as the publisher of tests/publishing ships it."""
    recipe = RELEASE.recipe.model_copy(update={"name": "taarafo", "version": version})
    images = {"app": IMAGE}
    return RELEASE.model_copy(update={"recipe": recipe, "images": images, **changes})


HONEST = replace(
    EVIDENCE,
    release=release_of("1.2.0").target,
    issued=moment(-1),
    expires=moment(4),
)


@dataclass
class Place:
    """A publisher in a folder, and what of it goes into a saved check."""

    publisher: Publisher
    witnesses: dict[str, timedelta]  # name -> how long ago it cosigned

    @property
    def root(self) -> bytes:
        return self.publisher.shipped_root.read_bytes()

    def publish(self, version: str, **options: Any) -> None:
        manifests = {root_of(MANIFEST): MANIFEST}
        publish_release(self.publisher, release_of(version), manifests, now=NOW, **options)

    def enrol(self, *keys: AgentKey) -> None:
        root = self.publisher.read_state().root.signed
        tell_log(self.publisher, root, *(entry_of_agent(k.host_id, row_of(k)) for k in keys))

    def tell(self, *entries: Entry) -> None:
        tell_log(self.publisher, self.publisher.read_state().root.signed, *entries)

    def copy(self, version: str = "1.2.0") -> ReleaseCopy:
        state = self.publisher.read_state()
        files, target = self.publisher.repository, release_of(version).target
        log = self.publisher.open_log(state.root.signed)
        (content,) = ((files.targets / target).parent.glob("*.release.json"))
        return ReleaseCopy(
            roots=tuple(
                (files.metadata / f"{n}.root.json").read_text()
                for n in range(2, state.root.signed.version + 1)
            ),
            targets=self._read("targets"),
            role=APP,
            role_metadata=self._read(APP),
            target=target,
            release=content.read_text(),
            manifests={"app": MANIFEST.decode()},
            checkpoint=self.cosigned((log.folder / "checkpoint").read_bytes(), self.witnesses),
            entries=tuple(write_entry(entry).decode() for entry in log.list_entries()),
        )

    def cosigned(self, checkpoint: bytes, witnesses: dict[str, timedelta]) -> str:
        note = read_note(checkpoint)
        added = [
            cosign(note.text, f"{name}.example", WITNESSES[name], int((NOW - ago).timestamp()))
            for name, ago in witnesses.items()
        ]
        return write_note(replace(note, signatures=(*note.signatures, *added))).decode()

    def saved(self, evidence: Evidence = HONEST, **changes: Any) -> SavedCheck:
        agents = json.dumps({"agents": [vars_of(public_of(KEY))]})
        envelope = seal(PAYLOAD_TYPE, evidence.statement(), KEY).decode()
        saved = SavedCheck(ADDRESS, moment(), "", envelope, agents, self.copy())
        return replace(saved, **changes)

    def _read(self, role: str) -> str:
        metadata, _ = self.publisher.read_state().get_role(role)
        path = self.publisher.repository.metadata / f"{metadata.signed.version}.{role}.json"
        return path.read_text()


def vars_of(agent: AgentKey) -> dict[str, str]:
    return {"host_id": agent.host_id, "keyid": agent.keyid, "public": agent.public}


def begin_place(folder: Path) -> Place:
    """Two releases are published, and the agent is enrolled. Nobody watches the log."""
    place = Place(begin(folder), {})
    place.publish("1.1.0")
    place.publish("1.2.0")
    place.enrol(public_of(KEY))
    return place
