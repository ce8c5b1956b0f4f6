"""RFC 6962 §2.1 and tlog-tiles written down as they are defined, to compare our code with.

Imports nothing of ours. Recursive, and slow where the real code must not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


class NaiveTree:
    """D[n], of which every MTH is computed once."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self.leaf_hashes = leaf_hashes
        self.known: dict[tuple[int, int], bytes] = {}

    def mth(self, start: int, end: int) -> bytes:
        if start == end:
            return sha256(b"").digest()
        if end - start == 1:
            return self.leaf_hashes[start]
        if (start, end) not in self.known:
            k = start + largest_power_below(end - start)
            both = self.mth(start, k) + self.mth(k, end)
            self.known[start, end] = sha256(b"\x01" + both).digest()
        return self.known[start, end]

    def root(self, size: int) -> bytes:
        return self.mth(0, size)

    def path(self, m: int, size: int) -> tuple[bytes, ...]:
        return tuple(self._path(m, 0, size))

    def proof(self, m: int, size: int) -> tuple[bytes, ...]:
        return tuple(self._subproof(m, 0, size, True)) if m else ()

    def tiles(self, size: int) -> dict[str, bytes]:
        """Every tile of a tree of this size."""
        tiles = {}
        level, count = 0, size
        while count:
            for n in range(0, count, 256):
                width = min(256, count - n)
                span = 256**level
                hashes = [self.mth(i * span, (i + 1) * span) for i in range(n, n + width)]
                tiles[path_of(str(level), n // 256, width)] = b"".join(hashes)
            level, count = level + 1, count // 256
        return tiles

    def _path(self, m: int, start: int, end: int) -> list[bytes]:
        n = end - start
        if n == 1:
            return []
        k = largest_power_below(n)
        if m < k:
            return [*self._path(m, start, start + k), self.mth(start + k, end)]
        return [*self._path(m - k, start + k, end), self.mth(start, start + k)]

    def _subproof(self, m: int, start: int, end: int, b: bool) -> list[bytes]:
        n = end - start
        if m == n:
            return [] if b else [self.mth(start, end)]
        k = largest_power_below(n)
        if m <= k:
            return [*self._subproof(m, start, start + k, b), self.mth(start + k, end)]
        return [*self._subproof(m - k, start + k, end, False), self.mth(start, start + k)]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path_of(level: str, n: int, width: int) -> str:
    parts = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03}")
    suffix = "" if width == 256 else f".p/{width}"
    return f"tile/{level}/{'/'.join(parts)}{suffix}"
