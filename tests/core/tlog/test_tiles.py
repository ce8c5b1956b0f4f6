"""Tiles: paths, bundles, and trees that are read and grown from them, beside a naive tree."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from provisioner.core.tlog.merkle import check_consistency, check_inclusion
from provisioner.core.tlog.tiles import (
    TileReader,
    path_of_entries,
    path_of_tile,
    plan_bundles,
    plan_tiles,
    read_entries,
    write_entries,
)
from tests.core.tlog.naive import NaiveTree, leaf, path_of

EDGES = [255, 256, 257, 65_535, 65_536, 65_537]


@cache
def big_tree() -> NaiveTree:
    return NaiveTree([leaf(b"%d" % n) for n in range(100_001)])


class Shelf(dict[str, bytes]):
    """Tiles in memory, that remembers which were read."""

    def __init__(self, tiles: dict[str, bytes]) -> None:
        super().__init__(tiles)
        self.asked: list[str] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        return self[path]


# -- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (67, "067"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067"),
     (10**9, "x001/x000/x000/000")],
)  # fmt: skip
def test_the_index_is_written_in_threes(index: int, path: str) -> None:
    assert path_of_tile(0, index) == f"tile/0/{path}"
    assert path_of_entries(index) == f"tile/entries/{path}"
    assert path_of_tile(63, index, 255) == f"tile/63/{path}.p/255"
    assert path_of_entries(index, 1) == f"tile/entries/{path}.p/1"


@given(st.integers(0, 63), st.integers(0, 2**63), st.integers(1, 256))
def test_paths_are_the_naive_ones(level: int, index: int, width: int) -> None:
    assert path_of_tile(level, index, width) == path_of(str(level), index, width)
    assert path_of_entries(index, width) == path_of("entries", index, width)


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_what_cannot_be_a_tile_has_no_path(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError, match="tile"):
        path_of_tile(level, index, width)


# -- bundles -------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
@example([b""])
@example([b"x" * 65_535])
@example([b"x"] * 256)
def test_what_is_bundled_is_read(entries: list[bytes]) -> None:
    assert read_entries(write_entries(entries)) == tuple(entries)


def test_a_bundle_is_what_the_specification_says() -> None:
    assert write_entries([b"", b"abc", b"x" * 258]) == b"\0\0\0\3abc\1\2" + b"x" * 258


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * 65_536]])
def test_what_is_no_bundle_is_not_written(entries: list[bytes]) -> None:
    with pytest.raises(ValueError, match="entr"):
        write_entries(entries)


@pytest.mark.parametrize("raw", [b"", b"\0", b"\0\1", b"\0\0\0", b"\0\2x", b"\0\0" * 257])
def test_what_is_no_bundle_is_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError, match="bundle"):
        read_entries(raw)


@given(
    st.binary(max_size=40) | st.lists(st.sampled_from([b"\0", b"\1", b"\0\2", b"ab"])).map(b"".join)
)
def test_strangers_bundles_are_read_as_they_are_or_refused(raw: bytes) -> None:
    try:
        entries = read_entries(raw)
    except ValueError:
        return
    assert write_entries(entries) == raw


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_bundles_cover_what_is_new(one: int, other: int) -> None:
    old, new = sorted((one, other))
    plan = plan_bundles(old, new)
    covered = {index for indexes in plan.values() for index in indexes}
    assert covered >= set(range(old, new))
    assert max(covered, default=new - 1) == new - 1
    for path, indexes in plan.items():
        assert indexes[-1] >= old
        assert path == path_of("entries", indexes[0] // 256, len(indexes))


# -- planning ------------------------------------------------------------------------------------


def test_a_tree_of_70_000_is_the_specifications_own_example() -> None:
    tiles = plan_tiles(0, 70_000, big_tree().leaf_hashes[:70_000])
    widths = {path: len(content) // 32 for path, content in tiles.items()}
    partial = {path: width for path, width in widths.items() if width < 256}
    assert partial == {"tile/0/273.p/112": 112, "tile/1/001.p/17": 17, "tile/2/000.p/1": 1}
    full = [path for path, width in widths.items() if width == 256]
    assert full == [*(path_of("0", n, 256) for n in range(273)), "tile/1/000"]


@pytest.mark.parametrize("size", [0, 1, *EDGES])
def test_all_tiles_are_the_naive_ones(size: int) -> None:
    assert plan_tiles(0, size, big_tree().leaf_hashes[:size]) == big_tree().tiles(size)


@pytest.mark.parametrize("old", EDGES)
@pytest.mark.parametrize("more", [0, 1, 2, 256, 700])
def test_growing_writes_what_is_new_and_nothing_else(old: int, more: int) -> None:
    tree = big_tree()
    before, after = tree.tiles(old), tree.tiles(old + more)
    shelf = Shelf(before)
    written = TileReader(old, shelf.read).append(tree.leaf_hashes[old : old + more])
    assert written == {path: tile for path, tile in after.items() if path not in before}
    assert all(".p/" in path for path in shelf.asked)


@settings(max_examples=30)
@given(st.integers(0, 1200), st.integers(0, 1200))
def test_planned_tiles_are_what_is_new(one: int, other: int) -> None:
    old, new = sorted((one, other))
    before, after = big_tree().tiles(old), big_tree().tiles(new)
    fresh = {path: tile for path, tile in after.items() if path not in before}
    assert plan_tiles(old, new, big_tree().leaf_hashes[:new]) == fresh


@pytest.mark.parametrize(("old", "new", "leaves"), [(2, 1, 1), (-1, 1, 1), (0, 2, 1), (0, 1, 2)])
def test_sizes_that_do_not_fit_are_refused(old: int, new: int, leaves: int) -> None:
    with pytest.raises(ValueError, match="sizes"):
        plan_tiles(old, new, [leaf(b"")] * leaves)


def test_a_log_does_not_shrink() -> None:
    with pytest.raises(ValueError, match="grow"):
        plan_bundles(2, 1)


# -- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 100, *EDGES])
def test_a_tree_of_tiles_is_the_naive_tree(size: int) -> None:
    tree = big_tree()
    shelf = Shelf(tree.tiles(size))
    reader = TileReader(size, shelf.read)
    assert reader.root() == tree.root(size)
    near = {n + d for n in (0, 128, 256, 512, 32_768, 65_536, size) for d in (-2, -1, 0, 1)}
    for index in sorted(n for n in near if 0 <= n < size):
        proof = reader.inclusion(index)
        assert proof == tree.path(index, size)
        check_inclusion(index, size, tree.leaf_hashes[index], proof, reader.root())
    for old in sorted(n for n in near if 0 <= n <= size):
        proof = reader.consistency(old)
        assert proof == tree.proof(old, size)
        check_consistency(old, size, tree.root(old), reader.root(), proof)
    assert len(shelf.asked) == len(set(shelf.asked))


@settings(max_examples=30)
@given(st.integers(1, 100_000), st.data())
def test_sparse_proofs_of_any_size(size: int, data: st.DataObject) -> None:
    tree = big_tree()
    reader = TileReader(size, read_naive(size))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    assert reader.root() == tree.root(size)
    assert reader.inclusion(index) == tree.path(index, size)
    assert reader.consistency(old) == tree.proof(old, size)


def read_naive(size: int):
    """Only the tiles that are asked for, from the naive tree."""

    def read(path: str) -> bytes:
        level, rest = path.removeprefix("tile/").split("/", 1)
        place, _, width = rest.partition(".p/")
        n = int(place.replace("x", "").replace("/", ""))
        span = 256 ** int(level)
        start = n * 256
        hashes = range(start, start + int(width or 256))
        return b"".join(big_tree().mth(i * span, (i + 1) * span) for i in hashes)

    return read


def test_the_empty_log_has_the_empty_root_and_no_tiles() -> None:
    shelf = Shelf({})
    assert TileReader(0, shelf.read).root() == big_tree().root(0)
    assert TileReader(0, shelf.read).consistency(0) == ()
    assert TileReader(0, shelf.read).append([]) == {}
    assert shelf.asked == []


def test_one_more_entry_in_100_000_reads_and_writes_one_tile() -> None:
    leaf_hashes = big_tree().leaf_hashes
    shelf = Shelf(plan_tiles(0, 100_000, leaf_hashes[:100_000]))
    written = TileReader(100_000, shelf.read).append(leaf_hashes[100_000:])
    assert shelf.asked == ["tile/0/390.p/160"]
    assert list(written) == ["tile/0/390.p/161"]
    grown = Shelf(shelf | written)
    reader = TileReader(100_001, grown.read)
    assert reader.root() == big_tree().root(100_001)
    check_consistency(100_000, 100_001, big_tree().root(100_000), reader.root(),
                      reader.consistency(100_000))  # fmt: skip
    assert len(grown.asked) == 3  # one partial tile a level


def test_a_proof_in_100_000_leaves_is_at_most_600_bytes() -> None:
    shelf = Shelf(plan_tiles(0, 100_000, big_tree().leaf_hashes[:100_000]))
    reader = TileReader(100_000, shelf.read)
    root = reader.root()
    longest = 0
    for index in [*range(0, 100_000, 997), 98_303, 98_304, 99_839, 99_840, 99_999]:
        proof = reader.inclusion(index)
        check_inclusion(index, 100_000, big_tree().leaf_hashes[index], proof, root)
        longest = max(longest, len(b"".join(proof)))
    assert 500 < longest <= 600


def test_a_full_tile_may_stand_for_a_partial_one_that_is_gone() -> None:
    tree = big_tree()
    tiles = tree.tiles(512)
    reader = TileReader(300, lambda path: tiles[path.partition(".p/")[0]] if path[5] == "0"
                        else tree.tiles(300)[path])  # fmt: skip
    assert reader.root() == tree.root(300)
    assert reader.inclusion(299) == tree.path(299, 300)


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + b"\0", lambda t: b"",
                                    lambda t: t[32:], lambda t: t + t[:32]])  # fmt: skip
def test_a_tile_of_a_wrong_length_is_refused(change) -> None:
    tiles = big_tree().tiles(300)
    reader = TileReader(300, lambda path: change(tiles[path]))
    for read in (reader.root, lambda: reader.inclusion(3), lambda: reader.append([leaf(b"")])):
        with pytest.raises(ValueError, match="wrong length"):
            read()


def test_a_changed_tile_gives_another_root() -> None:
    tiles = big_tree().tiles(300)
    tiles["tile/0/001.p/44"] = bytes(32) + tiles["tile/0/001.p/44"][32:]
    assert TileReader(300, tiles.__getitem__).root() != big_tree().root(300)


def test_what_cannot_be_read_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        TileReader(300, {}.__getitem__).root()


@pytest.mark.parametrize("size", [-1, 2**63])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        TileReader(size, {}.__getitem__)


@pytest.mark.parametrize(("index", "old"), [(-1, -1), (300, 301)])
def test_proofs_outside_of_the_tree_are_refused(index: int, old: int) -> None:
    reader = TileReader(300, big_tree().tiles(300).__getitem__)
    with pytest.raises(ValueError, match="not in the tree"):
        reader.inclusion(index)
    with pytest.raises(ValueError, match="smaller"):
        reader.consistency(old)


def test_only_hashes_are_appended() -> None:
    with pytest.raises(ValueError, match="length of a hash"):
        TileReader(0, {}.__getitem__).append([b"x"])
