"""A real publisher whose release an honest agent reports, and saved checks of that."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey, row_of
from provisioner.core.appraisal.dsse import seal
from provisioner.core.appraisal.saved import write_saved
from provisioner.core.log_entries import entry_of_agent
from provisioner.core.log_policy import FIELD
from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.entry import Entry, write_entry
from provisioner.core.tlog.note import COSIGNATURE_V1, NoteKey, read_note, write_note
from provisioner.core.tlog.policy import KnownWitness, WitnessGroup, read_policy, write_policy
from provisioner.models.evidence import PAYLOAD_TYPE, Evidence
from provisioner.models.manifest import root_of
from provisioner.models.release import STABLE, Release
from provisioner.models.saved_check import ReleaseCopy, SavedCheck
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher, role_of
from tests.core.test_appraisal import ADDRESS, EVIDENCE, MANIFEST, RELEASE, SEEN
from tests.core.test_appraisal_dsse import KEY, public_of
from tests.publishing.place import NOW, begin, forge, publisher_in, tell_log

WITNESSES = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, name in enumerate(("anna", "bert", "carl"), start=7)
}
LATELY = timedelta(minutes=5)


@dataclass(frozen=True)
class Spoiled:
    """A saved file, the outcome that it must get (`unreadable` for none), and the root to use."""

    name: str
    outcome: str
    raw: bytes
    root: bytes


def moment(minutes: float = 0) -> str:
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def release_of(version: str, channel: str = STABLE) -> Release:
    """The release of tests/core/test_appraisal, as the publisher of tests/publishing ships it."""
    image = RELEASE.images["app"].model_copy(
        update={"files_target": f"files/{root_of(MANIFEST)[7:]}.jsonl"}
    )
    recipe = RELEASE.recipe.model_copy(update={"name": "taarafo", "version": version})
    changed = {"recipe": recipe, "images": {"app": image}, "channel": channel}
    return RELEASE.model_copy(update=changed)


HONEST = replace(EVIDENCE, release=release_of("1.2.0").target, issued=moment(-1), expires=moment(4))


def report(**changes: Any) -> Evidence:
    return replace(HONEST, **changes)


def report_seen(**changes: Any) -> Evidence:
    return report(containers=(replace(SEEN, **changes),))


def agents_of(*keys: AgentKey) -> str:
    return json.dumps({"agents": [asdict(key) for key in keys]})


def sealed(statement: bytes, key: Ed25519PrivateKey = KEY, kind: str = PAYLOAD_TYPE) -> str:
    return seal(kind, statement, key).decode()


@dataclass
class Place:
    """A publisher in a folder. `seen` says how long ago each witness cosigned its log."""

    publisher: Publisher
    seen: dict[str, timedelta] = field(default_factory=dict)

    @property
    def root(self) -> bytes:
        return self.publisher.shipped_root.read_bytes()

    def publish(self, version: str, channel: str = STABLE, **options: Any) -> None:
        manifests = {root_of(MANIFEST): MANIFEST}
        release = release_of(version, channel)
        publish_release(self.publisher, release, manifests, now=NOW, **options)

    def enrol(self, *keys: AgentKey) -> None:
        self.tell(*(entry_of_agent(key.host_id, row_of(key)) for key in keys))

    def tell(self, *entries: Entry) -> None:
        tell_log(self.publisher, self.publisher.read_state().root.signed, *entries)

    def twin(self, folder: Path) -> Place:
        """The same publisher once more, to be spoiled."""
        shutil.copytree(self.publisher.shipped_root.parents[1], folder)
        return Place(replace(publisher_in(folder), cosign=self.publisher.cosign), dict(self.seen))

    def copy(self, version: str = "1.2.0", channel: str = STABLE) -> ReleaseCopy:
        root = self.publisher.read_state().root.signed
        files, target = self.publisher.repository, release_of(version, channel).target
        role = role_of("taarafo", channel)
        log = self.publisher.open_log(root)
        (content,) = (files.targets / target).parent.glob("*.release.json")
        checkpoint = (log.folder / "checkpoint").read_bytes().decode()
        return ReleaseCopy(
            roots=tuple(
                (files.metadata / f"{number}.root.json").read_text()
                for number in range(2, root.version + 1)
            ),
            targets=self._read("targets"),
            role=role,
            role_metadata=self._read(role),
            target=target,
            release=content.read_text(),
            manifests={"app": MANIFEST.decode()},
            checkpoint=cosigned(checkpoint, self.seen),
            entries=tuple(write_entry(entry).decode() for entry in log.list_entries()),
        )

    def saved(self, evidence: Evidence = HONEST, **changes: Any) -> SavedCheck:
        envelope = changes.pop("envelope", None) or sealed(evidence.statement())
        published = changes.pop("published", None) or self.copy()
        saved = SavedCheck(
            ADDRESS, moment(), "", envelope, agents_of(public_of(KEY)), published=published
        )
        return replace(saved, **changes)

    def spoiled(
        self, name: str, outcome: str, evidence: Evidence = HONEST, **changes: Any
    ) -> Spoiled:
        return Spoiled(name, outcome, write_saved(self.saved(evidence, **changes)), self.root)

    def _read(self, role: str) -> str:
        metadata, _ = self.publisher.read_state().get_role(role)
        path = self.publisher.repository.metadata / f"{metadata.signed.version}.{role}.json"
        return path.read_text()


def cosigned(checkpoint: str, seen: dict[str, timedelta]) -> str:
    """The log's own signature, and those of these witnesses instead of all others."""
    note = read_note(checkpoint.encode())
    added = [
        cosign(note.text, f"{name}.example", WITNESSES[name], int((NOW - ago).timestamp()))
        for name, ago in seen.items()
    ]
    return write_note(replace(note, signatures=(note.signatures[0], *added))).decode()


def begin_place(folder: Path) -> Place:
    """Two releases are published, and the agent is enrolled. Nobody watches the log."""
    place = Place(begin(folder))
    place.publish("1.1.0")
    place.publish("1.2.0")
    place.enrol(public_of(KEY))
    return place


def begin_witnessed(place: Place, folder: Path) -> Place:
    """A twin whose second root asks for two of three witnesses."""
    seen = dict.fromkeys(WITNESSES, LATELY)
    watched = place.twin(folder)
    watched.seen = seen

    def everybody(checkpoint: bytes, *_: object) -> bytes:
        return cosigned(checkpoint.decode(), seen).encode()

    watched.publisher = replace(watched.publisher, cosign=everybody)
    forge(watched.publisher, "root", ask_for_two)
    return watched


def ask_for_two(metadata: Any) -> None:
    fields = metadata.signed.unrecognized_fields
    witnesses = tuple(
        KnownWitness(
            name,
            NoteKey(f"{name}.example", COSIGNATURE_V1, key.public_key().public_bytes_raw()),
        )
        for name, key in WITNESSES.items()
    )
    two = WitnessGroup("two", 2, tuple(WITNESSES))
    policy = replace(read_policy(fields[FIELD]), witnesses=witnesses, groups=(two,), quorum="two")
    fields[FIELD] = write_policy(policy)
