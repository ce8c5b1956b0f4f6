"""How often something may be tried: counts in memory, which a restart forgets."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice

from .problems import TooMany


class Limits:
    """A sliding window per key. Addresses of visitors are never written down."""

    MOST_KEYS = 10_000
    LOOK_AT = 100  # of the oldest, for one that may be forgotten

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, deque[float]] = {}

    def count(self, key: str, *, most: int, seconds: int, now: float) -> None:
        """Note one try. Raises TooMany beyond `most` tries in `seconds`."""
        with self._lock:
            tries = self._seen.pop(key, None) or deque(maxlen=most + 1)
            self._seen[key] = tries  # the last one now: those in front were not used for longest
            while tries and tries[0] <= now - seconds:
                tries.popleft()
            tries.append(now)
            if len(self._seen) > self.MOST_KEYS:
                self._forget_one()
            if len(tries) > most:
                raise TooMany("limit.reached", minutes=max(1, seconds // 60))

    def _forget_one(self) -> None:
        """Make room, so that nobody can flush away what counts: who tried once goes first, and
        who is at the limit stays."""
        oldest = list(islice(self._seen.items(), self.LOOK_AT))
        once = (key for key, tries in oldest if len(tries) < 2)
        below = (key for key, tries in oldest if len(tries) < (tries.maxlen or 0))
        self._seen.pop(next(once, None) or next(below, oldest[0][0]))

    def forgive(self, key: str) -> None:
        """Start counting anew after a success."""
        with self._lock:
            self._seen.pop(key, None)
