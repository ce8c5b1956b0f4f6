"""The state of one appraisal: the case, the time, and what earlier steps made sure of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Self

from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.case import Case, Reference
from provisioner.core.appraisal.contract import (
    Contract,
    is_made_from,
    judge_mounts,
    read_contract,
)
from provisioner.core.appraisal.several import Signed, read_others
from provisioner.models.evidence import ContainerSeen, Evidence, parse_moment
from provisioner.models.manifest import SortedText
from provisioner.models.release import Image, Release


@dataclass(frozen=True)
class Subject:
    """A container beside what the release says of its service, and the image it was made from."""

    seen: ContainerSeen
    contract: Contract
    image: Image
    manifest: SortedText
    permitted: dict[str, str]  # mount -> why it may be there
    refused: tuple[str, ...]  # mounts that may not
    is_alone: bool  # the only service of its release

    def say(self, sentence: str) -> str:
        """The sentence, with the name of the service where a release has several."""
        return sentence if self.is_alone else f"{self.seen.service}: {sentence}"

    def find_line(self, path: str) -> bytes | None:
        """The release's manifest line, for a path that no permitted mount covers.

        None for text that cannot be a path: halves of letters, which no file is named by.
        """
        parts = path.split("/")
        above = ("/".join(parts[:end]) for end in range(2, len(parts) + 1))
        if any(each in self.permitted for each in above):
            return None
        try:
            return self.manifest.find_line(path)
        except UnicodeEncodeError:
            return None


@dataclass
class Examination:
    """Steps read `case` and `now`, and fill in what later steps may rely on.

    One that is not `is_whole` looks at one more host of a community that runs on several.
    """

    case: Case
    now: datetime
    payload: bytes = b""
    signer: AgentKey | None = None
    _evidence: Evidence | None = None
    subjects: list[Subject] = field(default_factory=list)
    is_whole: bool = True

    @cached_property
    def others(self) -> tuple[Signed, ...]:
        """What the community's other hosts report, as far as it can be read."""
        return tuple(read_others(self.case))

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
    def release(self) -> Release:
        return self.reference.release

    @property
    def measured_at(self) -> datetime | None:
        """When the evidence was made, once a statement that says so was accepted."""
        try:
            return parse_moment(self._evidence.issued) if self._evidence else None
        except ValueError:
            return None

    def fill_in(self, value: str) -> str:
        """A value of the release with `{host}` and `{port}` of the address that is checked."""
        host, _, port = self.case.address.partition(":")
        return value.replace("{host}", host).replace("{port}", port)

    def only(self, subject: Subject) -> Self:
        """The same appraisal, looking at one service alone."""
        return replace(self, subjects=[subject])

    def find_subject(self, seen: ContainerSeen) -> Subject | None:
        """The container with its service, or None unless it was made from that one's image.

        Raises KeyError for a service that the release does not have.
        """
        parts = self.release.recipe.parts
        part = parts[seen.service]
        image = self.release.images[part.image]
        if not is_made_from(seen.image, seen.image_id, (image.digest, image.config_digest)):
            return None
        contract = read_contract(part.model_dump(mode="json"))
        permitted, refused = judge_mounts(seen.mounts, contract, seen.container)
        manifest = SortedText(self.reference.manifests[part.image])
        return Subject(seen, contract, image, manifest, permitted, refused, len(parts) == 1)
