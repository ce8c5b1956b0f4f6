"""The evidence folder: what the edge serves of each community, written and taken away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.agent.containers import COMMUNITY, Running
from provisioner.agent.signing_key import Signer
from provisioner.core.appraisal.dsse import seal
from provisioner.files import remove_unfinished, write_atomically
from provisioner.models.evidence import LIFETIME_SECONDS, PAYLOAD_TYPE, ContainerSeen, Evidence

_FILES = ("evidence.dsse", "instance")


@dataclass(frozen=True)
class Publication:
    """Where evidence goes and whose signature it bears."""

    folder: Path
    signer: Signer

    def publish(
        self, container: Running, seen: tuple[ContainerSeen, ...], issued: datetime
    ) -> None:
        """Signs and writes the evidence of the community that `container` belongs to."""
        labels, agent = container.labels, self.signer.public
        evidence = Evidence(
            community=labels[COMMUNITY],
            origin=labels.get("org.taarafo.address", container.host),
            host=agent.host_id,
            release=labels.get("org.taarafo.release", ""),
            issued=_text(issued),
            expires=_text(issued + timedelta(seconds=LIFETIME_SECONDS)),
            containers=seen,
        )
        sealed = seal(PAYLOAD_TYPE, evidence.statement(), self.signer.key)
        instance = {
            "community": evidence.community,
            "address": evidence.origin,
            "host_id": agent.host_id,
            "agent": {"keyid": agent.keyid, "public": agent.public},
            "release": evidence.release,
        }
        write_atomically(self.folder / container.host / "instance", json.dumps(instance).encode())
        write_atomically(self.folder / container.host / "evidence.dsse", sealed)

    def withdraw_all_but(self, hosts: set[str]) -> None:
        """Takes away the evidence of communities that do not run here (any more)."""
        for evidence in self.folder.glob("*/evidence.dsse"):
            if evidence.parent.name not in hosts:
                self._withdraw(evidence.parent)

    def _withdraw(self, folder: Path) -> None:
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        remove_unfinished(folder)
        if not any(folder.iterdir()):
            folder.rmdir()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
