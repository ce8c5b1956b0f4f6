"""How often something may be tried: counts in memory, which a restart forgets."""

from __future__ import annotations

import threading
from collections import deque

from .problems import TooMany


class Limits:
    """A sliding window per key. Addresses of visitors are never written down."""

    MOST_KEYS = 10_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, deque[float]] = {}

    def count(self, key: str, *, most: int, seconds: int, now: float) -> None:
        """Note one try. Raises TooMany beyond `most` tries in `seconds`."""
        with self._lock:
            tries = self._seen.setdefault(key, deque(maxlen=most + 1))
            while tries and tries[0] <= now - seconds:
                tries.popleft()
            tries.append(now)
            if len(self._seen) > self.MOST_KEYS:
                self._seen.pop(next(iter(self._seen)))
            if len(tries) > most:
                raise TooMany("limit.reached", minutes=max(1, seconds // 60))

    def forgive(self, key: str) -> None:
        """Start counting anew after a success."""
        with self._lock:
            self._seen.pop(key, None)
