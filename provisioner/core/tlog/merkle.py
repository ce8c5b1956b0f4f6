"""Merkle trees of RFC 6962 §2.1: roots, and proofs that are made and checked without recursion."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from provisioner.core.tlog.atoms import HASH_BYTES

EMPTY_ROOT = hashlib.sha256(b"").digest()


def hash_leaf(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), 32 bytes (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of the leaves with these hashes; of none it is SHA-256 of nothing (RFC 6962 §2.1)."""
    peaks: list[bytes] = []
    for count, leaf_hash in enumerate(leaf_hashes):
        peaks.append(leaf_hash)
        while count & 1:
            right = peaks.pop()
            peaks.append(hash_children(peaks.pop(), right))
            count >>= 1
    return join_peaks(peaks)


def join_peaks(peaks: Sequence[bytes]) -> bytes:
    """The root above perfect subtrees that stand side by side, the largest first."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = hash_children(peak, root)
    return root


def plan_inclusion(index: int, size: int) -> tuple[tuple[int, int], ...]:
    """PATH(m, D[n]) as ranges [start, end) of leaves, the leaf's sibling first (RFC 6962 §2.1.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("the index is not in the tree")
    start, end, ranges = 0, size, []
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return tuple(reversed(ranges))


def plan_consistency(old: int, new: int) -> tuple[tuple[int, int], ...]:
    """PROOF(m, D[n]) as ranges [start, end) of leaves (RFC 6962 §2.1.2); none from an empty tree.

    Raises ValueError unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError("the new tree is smaller than the old one")
    start, end, ranges = 0, new, []
    while 0 < old < end:
        split = _split(start, end)
        if old <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    if start > 0:  # the old tree is not a subtree of the new one: its last part is told too
        ranges.append((start, old))
    return tuple(reversed(ranges))


def prove_inclusion(index: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The audit path of one leaf (RFC 6962 §2.1.1). ValueError outside of the tree."""
    ranges = plan_inclusion(index, len(leaf_hashes))
    return tuple(root_of(leaf_hashes[start:end]) for start, end in ranges)


def prove_consistency(old: int, new: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """That the first `old` of the first `new` leaves are a prefix (RFC 6962 §2.1.2).

    Raises ValueError unless 0 <= old <= new <= len(leaf_hashes).
    """
    if new > len(leaf_hashes):
        raise ValueError("the tree is larger than its leaves")
    ranges = plan_consistency(old, new)
    return tuple(root_of(leaf_hashes[start:end]) for start, end in ranges)


def check_inclusion(
    index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raises ValueError unless the proof leads from the leaf to the root (RFC 9162 §2.1.3.2)."""
    _check_lengths(leaf_hash, root, *proof)
    if not 0 <= index < size:
        raise ValueError("the index is not in the tree")
    computed = leaf_hash
    for is_left, sibling in _climb(index, size - 1, proof):
        computed = hash_children(*((sibling, computed) if is_left else (computed, sibling)))
    if computed != root:
        raise ValueError("the proof does not lead to the root")


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises ValueError unless the new tree continues the old one (RFC 9162 §2.1.4.2).

    From an empty tree (whose root is `EMPTY_ROOT`) and between equal sizes the proof is empty.
    """
    _check_lengths(old_root, new_root, *proof)
    if not 0 <= old <= new:
        raise ValueError("the new tree is smaller than the old one")
    if old in (0, new):
        _check_trivial(old, new, old_root, new_root, proof)
        return
    if not proof:
        raise ValueError("the proof is too short")
    is_subtree = old & (old - 1) == 0  # then its root is the proof's first hash, and left out
    first, *rest = (old_root, *proof) if is_subtree else proof
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    computed_old = computed_new = first
    for is_left, sibling in _climb(node, last, rest):
        if is_left:
            computed_old = hash_children(sibling, computed_old)
            computed_new = hash_children(sibling, computed_new)
        else:
            computed_new = hash_children(computed_new, sibling)
    if (computed_old, computed_new) != (old_root, new_root):
        raise ValueError("the proof does not lead to both roots")


def _climb(node: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Each hash of the proof, and whether it stands left of the node that was reached.

    `last` is the rightmost node of the same level. Raises ValueError for another length.
    """
    for sibling in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        is_left = node & 1 == 1 or node == last
        yield is_left, sibling
        while (
            is_left and node and not node & 1
        ):  # the last node, when it stands alone, goes up as it is
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ValueError("the proof is too short")


def _check_trivial(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if proof:
        raise ValueError("the proof is too long")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ValueError("not the root of an empty tree")
    if old == new and old_root != new_root:
        raise ValueError("two roots of one size")


def _check_lengths(*hashes: bytes) -> None:
    """A hash of another length would let one node stand for another."""
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ValueError("not the length of a hash")


def _split(start: int, end: int) -> int:
    """Where the left subtree ends: the largest power of two below the number of leaves."""
    return start + (1 << ((end - start - 1).bit_length() - 1))
