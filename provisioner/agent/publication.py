"""The evidence folder: what the edge serves of each community, written and taken away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from provisioner.agent.containers import COMMUNITY, Running
from provisioner.agent.reference import find_proof
from provisioner.agent.signing_key import Signer
from provisioner.core.appraisal.agents import AgentKey, read_agent_list
from provisioner.core.appraisal.dsse import (
    append_signature,
    list_signers,
    read_envelope,
    seal,
)
from provisioner.core.versions import version_key, version_of
from provisioner.files import remove_unfinished, write_atomically
from provisioner.models.evidence import (
    LIFETIME_SECONDS,
    PAYLOAD_TYPE,
    ContainerSeen,
    Evidence,
    write_moment,
)

_FILES = ("evidence.dsse", "instance", "release.tlog-proof")


@dataclass(frozen=True)
class Publication:
    """Where evidence goes, whose signature it bears, and where the public releases are.

    `waiting` is the agent's next key, which signs beside the one that counts.
    """

    folder: Path
    signer: Signer
    repository: Path | None = None
    waiting: Signer | None = None

    def publish(
        self, containers: Sequence[Running], seen: tuple[ContainerSeen, ...], issued: datetime
    ) -> None:
        """Signs and writes the evidence of the community that `containers` belong to."""
        agent, host = self.signer.public, containers[0].host
        evidence = self._describe(containers, seen, issued)
        instance = {
            "community": evidence.community,
            "address": evidence.origin,
            "host_id": agent.host_id,
            "agent": {"keyid": agent.keyid, "public": agent.public},
            "release": evidence.release,
            "hosts": evidence.hosts,
        }
        sealed = self._seal(evidence)
        write_atomically(self.folder / host / "instance", json.dumps(instance).encode())
        write_atomically(self.folder / host / "evidence.dsse", sealed)
        write_atomically(self.folder / host / self._own, sealed)
        if self.repository and (proof := find_proof(self.repository, evidence.release)):
            write_atomically(self.folder / host / "release.tlog-proof", proof)

    @property
    def _own(self) -> str:
        """Where the report of this very host is served, in the folder of a community."""
        return f"evidence/{self.signer.public.host_id}.dsse"

    def read(self, host: str) -> bytes | None:
        """What this host reports to everybody of a community that runs here."""
        try:
            return (self.folder / host / self._own).read_bytes()
        except FileNotFoundError:
            return None

    def answer(
        self,
        containers: Sequence[Running],
        seen: tuple[ContainerSeen, ...],
        issued: datetime,
        nonce: str,
    ) -> bytes:
        """The same, signed as the answer to a challenge and not written anywhere."""
        return self._seal(replace(self._describe(containers, seen, issued), nonce=nonce))

    def countersign(self) -> None:
        """Puts the waiting key's signature on everything that bears the one that counts."""
        for path in (*self.folder.glob("*/evidence.dsse"), *self.folder.glob(f"*/{self._own}")):
            raw = path.read_bytes()
            if self.waiting and _signers_of(raw, self.signer, self.waiting) == [self.signer]:
                write_atomically(path, append_signature(raw, self.waiting.key))

    def lists(self, key: AgentKey) -> bool:
        """Whether the control plane has published this key as one that counts."""
        for path in self.folder.glob("*/agents.json"):
            with suppress(OSError, ValueError):
                if key in read_agent_list(path.read_bytes()).agents:
                    return True
        return False

    def withdraw_all_but(self, hosts: set[str]) -> None:
        """Takes away this host's evidence of communities that do not run here (any more).

        Where hosts share the folder, what another one wrote stays.
        """
        found = {each.parent for each in self.folder.glob("*/evidence.dsse")}
        found |= {each.parents[1] for each in self.folder.glob(f"*/{self._own}")}
        for folder in found:
            if folder.name not in hosts:
                self._withdraw(folder)

    def _describe(
        self, containers: Sequence[Running], seen: tuple[ContainerSeen, ...], issued: datetime
    ) -> Evidence:
        labels = containers[0].labels
        return Evidence(
            community=labels[COMMUNITY],
            origin=labels.get("org.taarafo.address", containers[0].host),
            host=self.signer.public.host_id,
            release=_newest_release(containers),
            issued=write_moment(issued),
            expires=write_moment(issued + timedelta(seconds=LIFETIME_SECONDS)),
            containers=seen,
            hosts=tuple(sorted({host for each in containers for host in each.hosts})),
        )

    def _seal(self, evidence: Evidence) -> bytes:
        sealed = seal(PAYLOAD_TYPE, evidence.statement(), self.signer.key)
        return append_signature(sealed, self.waiting.key) if self.waiting else sealed

    def _withdraw(self, folder: Path) -> None:
        (folder / self._own).unlink(missing_ok=True)
        if self._is_ours(folder / "instance"):
            for name in _FILES:
                (folder / name).unlink(missing_ok=True)
            remove_unfinished(folder)
        for empty in (folder / "evidence", folder):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()

    def _is_ours(self, instance: Path) -> bool:
        """Whether this host wrote what is served of a community; what nobody can read is ours."""
        try:
            return bool(json.loads(instance.read_bytes())["host_id"] == self.signer.public.host_id)
        except (OSError, ValueError, KeyError, TypeError):
            return True


def _signers_of(raw: bytes, *signers: Signer) -> list[Signer]:
    """Those of `signers` whose signature is on a report; none on what is no report."""
    by_key = {each.public: each for each in signers}
    try:
        return [by_key[key] for key in list_signers(read_envelope(raw), by_key)]
    except ValueError:
        return []


def _newest_release(containers: Sequence[Running]) -> str:
    """A part that a newer release leaves as it was may still bear the name of the one before: all
    parts are reported under the newest, and each has to be as that one says."""
    named = [each.labels.get("org.taarafo.release", "") for each in containers]
    try:
        return max(named, key=lambda target: version_key(version_of(target)))
    except ValueError:  # a label that names no release
        return named[0]
