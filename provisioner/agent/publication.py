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
        }
        write_atomically(self.folder / host / "instance", json.dumps(instance).encode())
        write_atomically(self.folder / host / "evidence.dsse", self._seal(evidence))
        if self.repository and (proof := find_proof(self.repository, evidence.release)):
            write_atomically(self.folder / host / "release.tlog-proof", proof)

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
        for path in self.folder.glob("*/evidence.dsse"):
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
        """Takes away the evidence of communities that do not run here (any more)."""
        for evidence in self.folder.glob("*/evidence.dsse"):
            if evidence.parent.name not in hosts:
                self._withdraw(evidence.parent)

    def _describe(
        self, containers: Sequence[Running], seen: tuple[ContainerSeen, ...], issued: datetime
    ) -> Evidence:
        labels = containers[0].labels
        return Evidence(
            community=labels[COMMUNITY],
            origin=labels.get("org.taarafo.address", containers[0].host),
            host=self.signer.public.host_id,
            release=labels.get("org.taarafo.release", ""),
            issued=write_moment(issued),
            expires=write_moment(issued + timedelta(seconds=LIFETIME_SECONDS)),
            containers=seen,
            hosts=tuple(sorted({host for each in containers for host in each.hosts})),
        )

    def _seal(self, evidence: Evidence) -> bytes:
        sealed = seal(PAYLOAD_TYPE, evidence.statement(), self.signer.key)
        return append_signature(sealed, self.waiting.key) if self.waiting else sealed

    def _withdraw(self, folder: Path) -> None:
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        remove_unfinished(folder)
        if not any(folder.iterdir()):
            folder.rmdir()


def _signers_of(raw: bytes, *signers: Signer) -> list[Signer]:
    """Those of `signers` whose signature is on a report; none on what is no report."""
    by_key = {each.public: each for each in signers}
    try:
        return [by_key[key] for key in list_signers(read_envelope(raw), by_key)]
    except ValueError:
        return []
