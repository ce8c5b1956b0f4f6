"""A log as tiles (tlog-tiles): their paths, their content, and the tree that is read from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provisioner.core.tlog.atoms import HASH_BYTES, LARGEST
from provisioner.core.tlog.merkle import join_peaks, plan_consistency, plan_inclusion, root_of

WIDTH = 256  # hashes of a full tile, entries of a full bundle
_HEIGHT = 8  # of the subtree that a full tile stands for


def path_of_tile(level: int, index: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]` (tlog-tiles, “Merkle Tree”). ValueError for what cannot be a tile."""
    if not 0 <= level <= 63:
        raise ValueError("not a level of tiles")
    return f"tile/{level}/{_write_index(index, width)}"


def path_of_entries(index: int, width: int = WIDTH) -> str:
    """`tile/entries/<N>[.p/<W>]` (tlog-tiles, “Log entries”). Raises ValueError like a tile."""
    return f"tile/entries/{_write_index(index, width)}"


def write_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle of 1 to 256 entries of at most 65,535 bytes (tlog-tiles, “Log entries”)."""
    if not 1 <= len(entries) <= WIDTH:
        raise ValueError("not the number of entries of a bundle")
    if any(len(entry) > 0xFFFF for entry in entries):
        raise ValueError("an entry is too long")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_entries(raw: bytes) -> tuple[bytes, ...]:
    """The 1 to 256 entries of a bundle (tlog-tiles, “Log entries”). Raises ValueError."""
    entries: list[bytes] = []
    start = 0
    while start < len(raw) and len(entries) < WIDTH:
        end = start + 2 + int.from_bytes(raw[start : start + 2], "big")
        if end > len(raw):
            raise ValueError("the bundle is cut off")
        entries.append(raw[start + 2 : end])
        start = end
    if start < len(raw) or not entries:
        raise ValueError("not the number of entries of a bundle")
    return tuple(entries)


def plan_tiles(old_size: int, new_size: int, leaf_hashes: Sequence[bytes]) -> dict[str, bytes]:
    """path → content of each hash tile to write when a log grows, all levels, the lowest first.

    `leaf_hashes` are those of the whole new tree. A log that keeps its tiles does not need them
    all: see `TileReader.append`. Raises ValueError for sizes that do not fit.
    """
    if not 0 <= old_size <= new_size == len(leaf_hashes):
        raise ValueError("the sizes do not fit the leaves")
    before = TileReader(0, _refuse).append(leaf_hashes[:old_size])
    return TileReader(old_size, before.__getitem__).append(leaf_hashes[old_size:])


def plan_bundles(old_size: int, new_size: int) -> dict[str, range]:
    """path → indexes of the entries of each bundle to write when a log grows.

    Raises ValueError unless 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError("the log does not grow")
    return {
        path_of_entries(index, width): range(index * WIDTH, index * WIDTH + width)
        for index, width in _list_grown(old_size, new_size)
    }


class TileReader:
    """The tree of `size` leaves, read from its tiles.

    `read` gives a tile's content by its path. What it raises is not caught. For a partial tile it
    may give the full one instead, as tlog-tiles lets a client do. Each tile is read once. Nothing
    that is read is believed: compare `root()` with a checkpoint, or check the proofs.
    """

    def __init__(self, size: int, read: Callable[[str], bytes]) -> None:
        if not 0 <= size <= LARGEST:
            raise ValueError("not the size of a tree")
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def root(self) -> bytes:
        """MTH of the whole tree (RFC 6962 §2.1). ValueError for a tile of a wrong length."""
        return self._hash_range(0, self.size)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The audit path of one leaf (RFC 6962 §2.1.1). Raises ValueError."""
        return tuple(self._hash_range(*each) for each in plan_inclusion(index, self.size))

    def consistency(self, old_size: int) -> tuple[bytes, ...]:
        """That the tree of `old_size` is a prefix of this one (RFC 6962 §2.1.2). ValueError."""
        return tuple(self._hash_range(*each) for each in plan_consistency(old_size, self.size))

    def append(self, leaf_hashes: Sequence[bytes]) -> dict[str, bytes]:
        """path → content of each hash tile to write when these leaves are added, the lowest first.

        Reads at most one partial tile a level. This tree stays as it is: the grown one is a new
        reader of the new size over these tiles and the old ones.
        """
        if any(len(each) != HASH_BYTES for each in leaf_hashes):
            raise ValueError("not the length of a hash")
        written: dict[str, bytes] = {}
        level, new = 0, list(leaf_hashes)
        while new:
            old_count = self.size >> (_HEIGHT * level)
            first, kept = divmod(old_count, WIDTH)
            hashes = (self._tile(level, first) if kept else []) + new
            for index, width in _list_grown(old_count, old_count + len(new)):
                start = (index - first) * WIDTH
                content = b"".join(hashes[start : start + width])
                written[path_of_tile(level, index, width)] = content
            full = range(0, len(hashes) - len(hashes) % WIDTH, WIDTH)
            new = [root_of(hashes[start : start + WIDTH]) for start in full]
            level += 1
        return written

    def _hash_range(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]) of a range that RFC 6962 makes a subtree of this tree."""
        peaks = []
        while start < end:
            height = (end - start).bit_length() - 1
            peaks.append(self._hash_perfect(height, start >> height))
            start += 1 << height
        return join_peaks(peaks)

    def _hash_perfect(self, height: int, index: int) -> bytes:
        """The root of the index-th perfect subtree of 2^height leaves."""
        level, above = divmod(height, _HEIGHT)
        tile, offset = divmod(index << above, WIDTH)
        return root_of(self._tile(level, tile)[offset : offset + (1 << above)])

    def _tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._tiles:
            self._tiles[level, index] = self._read_tile(level, index)
        return self._tiles[level, index]

    def _read_tile(self, level: int, index: int) -> list[bytes]:
        width = min(WIDTH, (self.size >> (_HEIGHT * level)) - index * WIDTH)
        content = self._read(path_of_tile(level, index, width))
        if len(content) not in (width * HASH_BYTES, WIDTH * HASH_BYTES):
            raise ValueError("a tile has a wrong length")
        return [content[n * HASH_BYTES : (n + 1) * HASH_BYTES] for n in range(width)]


def _list_grown(old_count: int, new_count: int) -> list[tuple[int, int]]:
    """(index, width) of each tile that is new or wider when a level grows."""
    if old_count == new_count:
        return []
    indexes = range(old_count // WIDTH, -(-new_count // WIDTH))
    return [(index, min(WIDTH, new_count - index * WIDTH)) for index in indexes]


def _write_index(index: int, width: int) -> str:
    """`x001/x234/067`, with `.p/<W>` behind it for a partial tile."""
    if index < 0 or not 1 <= width <= WIDTH:
        raise ValueError("not a tile")
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    *upper, last = (digits[start : start + 3] for start in range(0, len(digits), 3))
    path = "/".join([*(f"x{each}" for each in upper), last])
    return path if width == WIDTH else f"{path}.p/{width}"


def _refuse(path: str) -> bytes:
    raise ValueError(f"{path} is not in an empty log")
