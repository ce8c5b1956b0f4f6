"""How often one peer may ask: a bucket of tokens each, that fills again by itself."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_PEERS = 10_000  # remembered; who was silent the longest is forgotten first


class Allowance:
    """`burst` requests at once, and `per_second` on and on. Threads may share it."""

    def __init__(
        self,
        per_second: float = 20.0,
        burst: float = 200.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when

    def take(self, address: str) -> bool:
        """Whether this IP address may ask once more now."""
        peer, now = name_peer(address), self._clock()
        with self._lock:
            left, then = self._left.pop(peer, (self._burst, now))
            left = min(self._burst, left + (now - then) * self._per_second)
            may = left >= 1
            self._left[peer] = (left - 1 if may else left, now)
            if len(self._left) > MOST_PEERS:
                self._left.popitem(last=False)
        return may


def name_peer(address: str) -> str:
    """The address, or for IPv6 the network that one household has."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and not found.ipv4_mapped:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
