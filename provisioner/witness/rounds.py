"""When a witness looks at a community: at moments that nobody can foresee."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from provisioner.core.appraisal.observation import read_observation
from provisioner.errors import TaarafoError
from provisioner.witness.identity import Identity
from provisioner.witness.probing import Prober
from provisioner.witness.shelf import Shelf

MEAN_SECONDS = 900.0
FIRST_SECONDS = 30.0  # the first look after a start comes soon
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """Pauses of an exponential distribution, so that the past says nothing of the next one."""

    mean: float = MEAN_SECONDS
    source: random.Random = field(default_factory=random.SystemRandom)

    def first(self) -> float:
        """Seconds."""
        return self.source.uniform(0, min(self.mean, FIRST_SECONDS))

    def next(self) -> float:
        """Seconds, from a fifteenth of the mean to four times of it."""
        drawn = self.source.expovariate(1 / self.mean)
        return min(max(drawn, self.mean / 15), self.mean * 4)


@dataclass(frozen=True)
class Rounds:
    """Looks, signs and keeps. `wait` returns True when it was told to stop."""

    prober: Prober
    identity: Identity
    shelf: Shelf
    schedule: Schedule
    wait: Callable[[float], bool]

    def start(self, addresses: Iterable[str]) -> None:
        """One thread an address: a slow community holds no other one up."""
        for address in addresses:
            threading.Thread(target=self.walk, args=(address,), daemon=True).start()

    def walk(self, address: str) -> None:
        """Until it is told to stop."""
        pause = self.schedule.first()
        while not self.wait(pause):
            try:
                self.look_once(address)
            except TaarafoError as error:
                _LOG.warning("%s: %s %s", address, error.explain(), error.detail)
            except Exception:  # the top of a job: the next look is another chance
                _LOG.exception("%s: a look met something unexpected", address)
            pause = self.schedule.next()

    def look_once(self, address: str) -> None:
        """One observation more. Raises what `Prober.look_at` raises."""
        observation = self.prober.look_at(address, self._find_known(address))
        note = self.identity.sign_observation(observation)
        self.shelf.record(address, observation.at, note)

    def _find_known(self, address: str) -> str:
        """The release that was there the last time; empty after a look at nothing."""
        note = self.shelf.find_latest(address)
        return read_observation(note, self.identity.observation_key).release if note else ""
