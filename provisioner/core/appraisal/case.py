"""What an appraisal judges: the bytes a community served, and what they are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.core.appraisal.agents import AgentKey, AgentList
from provisioner.core.appraisal.rotation import choose_agents, list_replaced
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
class HostReport:
    """What was served as the report of one more host, and the nonce that it was asked with."""

    host: str
    envelope: bytes
    nonce: str = ""


@dataclass(frozen=True)
class Case:
    """One question: does `address` run what it says? `envelope` is None when it served none.

    `nonce` is what this check asked with; empty when it took the report that is there for all.
    `is_saved` says that the report and the nonce are of a saved check: somebody says she asked it.
    `tls` is the key of the connection that the report came by (`sha256:<hex>` of the server's
    SubjectPublicKeyInfo), empty where there was none.
    `observations` are what independent checkers saw of this address, each signed by its checker.
    `enrolled` and `rotations` lead from the first keys of the hosts to those of `agents`.
    `problems` are findings of whoever gathered this, e.g. that no release could be looked up.
    `others` are the reports of the community's other hosts; `envelope` is of the one that served.
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
    others: tuple[HostReport, ...] = ()
    enrolled: tuple[AgentKey, ...] = ()
    rotations: tuple[str, ...] = ()

    @property
    def listed(self) -> AgentList:
        """The list of agents as it was published."""
        return AgentList(self.agents, self.enrolled, self.rotations)

    @property
    def counting(self) -> tuple[AgentKey, ...]:
        """The keys whose signatures count: those listed, or what has replaced them in the log."""
        if self.reference is None:
            return self.agents
        return choose_agents(self.listed, self.reference.log.agents)

    @property
    def known(self) -> tuple[AgentKey, ...]:
        """Every key of the listed hosts, also those that count no more or not yet."""
        return (*self.agents, *list_replaced(self.listed, self.agents))
