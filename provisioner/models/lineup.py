"""The parts of the control plane as they are started, and the form of their database."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from provisioner.models.service import ServiceSpec


@dataclass(frozen=True)
class Lineup:
    """Enough to start it again without the version that made it.

    `release` is a TUF target path, `revision` the form of the tables, `deployed` the text that `up`
    leaves for the worker, `parts` are in the order in which they are started.
    """

    release: str
    revision: str
    deployed: str
    parts: tuple[ServiceSpec, ...]

    def as_json(self) -> bytes:
        return _LINEUP.dump_json(self, indent=1)

    def get_part(self, name: str) -> ServiceSpec:
        """By the end of its name, e.g. `web`. Raises StopIteration."""
        return next(part for part in self.parts if part.name.endswith(f"-{name}"))


def read_lineup(raw: bytes) -> Lineup:
    """Raises ValueError for what is none."""
    try:
        return _LINEUP.validate_json(raw)
    except ValidationError as error:
        raise ValueError(str(error)) from error


_LINEUP = TypeAdapter(Lineup)
