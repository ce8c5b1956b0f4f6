"""What an appraisal judges: the bytes a community served, and what they are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.core.appraisal.agents import AgentKey
from provisioner.models.log import LogSeen
from provisioner.models.observation import Observation
from provisioner.models.release import Release
from provisioner.models.verdict import Finding


@dataclass(frozen=True)
class Reference:
    """What should run, from signed release metadata.

    `manifests` holds the manifest text by the name of the image, `newest` is the newest version
    of the channel, and versions below `floor` are known to be weak. `is_self_built` says that
    one local key signed it, not several publishers. `log` is what was seen of the public log, in
    which all of that is written.
    """

    release: Release
    manifests: Mapping[str, bytes]
    newest: str
    floor: str
    is_self_built: bool
    log: LogSeen


@dataclass(frozen=True)
class Case:
    """One question: does `address` run what it says? `envelope` is None when it served none.

    `nonce` is what this check asked with; empty when it took the report that is there for all.
    `is_saved` says that the report and the nonce are of a saved check: somebody says she asked it.
    `tls` is the key of the connection that the report came by (`sha256:<hex>` of the server's
    SubjectPublicKeyInfo), empty where there was none.
    `observations` are what independent checkers saw of this address, each signed by its checker.
    `problems` are findings of whoever gathered this, e.g. that no release could be looked up.
    """

    address: str
    envelope: bytes | None
    agents: tuple[AgentKey, ...] = ()
    reference: Reference | None = None
    nonce: str = ""
    is_saved: bool = False
    tls: str = ""
    observations: tuple[Observation, ...] = ()
    problems: tuple[Finding, ...] = field(default=())
