"""The state of one appraisal: the case, the time, and what earlier steps made sure of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.case import Case, Reference
from provisioner.core.appraisal.contract import Contract, is_made_from, judge_mounts
from provisioner.models.evidence import ContainerSeen, Evidence, parse_moment
from provisioner.models.manifest import SortedText
from provisioner.models.release import Image


@dataclass(frozen=True)
class Subject:
    """A container beside the image of the release that it was made from."""

    seen: ContainerSeen
    image: Image
    manifest: SortedText
    permitted: dict[str, str]  # mount -> why it may be there
    refused: tuple[str, ...]  # mounts that may not

    def find_line(self, path: str) -> bytes | None:
        """The release's manifest line, for a path that no permitted mount covers."""
        parts = path.split("/")
        above = ("/".join(parts[:end]) for end in range(2, len(parts) + 1))
        if any(each in self.permitted for each in above):
            return None
        return self.manifest.find_line(path)


@dataclass
class Examination:
    """Steps read `case` and `now`, and fill in what later steps may rely on."""

    case: Case
    now: datetime
    payload: bytes = b""
    signer: AgentKey | None = None
    _evidence: Evidence | None = None
    subjects: list[Subject] = field(default_factory=list)

    @property
    def evidence(self) -> Evidence:
        if self._evidence is None:
            raise LookupError("no step has read the statement yet")
        return self._evidence

    @evidence.setter
    def evidence(self, value: Evidence) -> None:
        self._evidence = value

    @property
    def reference(self) -> Reference:
        if self.case.reference is None:
            raise LookupError("no step has made sure of the reference yet")
        return self.case.reference

    @property
    def contract(self) -> Contract:
        service = self.reference.release.recipe.service
        return Contract(service.tmpfs, tuple(service.configs.values()))

    @property
    def measured_at(self) -> datetime | None:
        """When the evidence was made, once a statement that says so was accepted."""
        try:
            return parse_moment(self._evidence.issued) if self._evidence else None
        except ValueError:
            return None

    def find_subject(self, seen: ContainerSeen) -> Subject | None:
        """The container with its image, or None when no image of the release is its own."""
        for name, image in self.reference.release.images.items():
            if is_made_from(seen.image, seen.image_id, (image.digest, image.config_digest)):
                manifest = SortedText(self.reference.manifests[name])
                permitted, refused = judge_mounts(seen.mounts, self.contract, seen.container)
                return Subject(seen, image, manifest, permitted, refused)
        return None
