"""How often challenges are answered: so many for each community, and so many for all together."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

_MANY = 1000


@dataclass(frozen=True)
class Rate:
    """So many at once, then one in so many seconds."""

    burst: float
    seconds: float


EACH = Rate(burst=3, seconds=10)
TOGETHER = Rate(burst=10, seconds=1)


@dataclass
class _Bucket:
    rate: Rate
    tokens: float
    filled: float

    def wait_for(self, cost: float, now: float) -> float:
        """Seconds until that much is in it."""
        more = max(0.0, now - self.filled) / self.rate.seconds
        self.tokens, self.filled = min(self.rate.burst, self.tokens + more), now
        return max(0.0, cost - self.tokens) * self.rate.seconds


@dataclass
class Allowance:
    """Token buckets. Times are of one monotonic clock; may be asked by many threads."""

    each: Rate = EACH
    together: Rate = TOGETHER
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, host: str, cost: float, now: float) -> int:
        """Zero when it was taken; otherwise whole seconds to wait, and nothing was taken."""
        with self._lock:
            if len(self._buckets) > _MANY:
                self._forget_full(now)
            buckets = [self._bucket("", self.together, now), self._bucket(host, self.each, now)]
            wait = max(bucket.wait_for(cost, now) for bucket in buckets)
            if not wait:
                for bucket in buckets:
                    bucket.tokens -= cost
        return math.ceil(wait)

    def _bucket(self, name: str, rate: Rate, now: float) -> _Bucket:
        return self._buckets.setdefault(name, _Bucket(rate, rate.burst, now))

    def _forget_full(self, now: float) -> None:
        """A full bucket says the same as none."""
        self._buckets = {
            name: bucket
            for name, bucket in self._buckets.items()
            if bucket.wait_for(bucket.rate.burst, now)
        }
