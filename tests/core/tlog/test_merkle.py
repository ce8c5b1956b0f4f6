"""Roots and proofs: the published vectors, a naive implementation, and proofs that were changed."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.core.tlog.merkle import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    hash_children,
    hash_leaf,
    plan_consistency,
    plan_inclusion,
    prove_consistency,
    prove_inclusion,
    root_of,
)
from tests.core.tlog.naive import NaiveTree, leaf

VECTORS = Path(__file__).parents[2] / "vectors" / "rfc6962"
LEAVES = [leaf(b"%d" % n) for n in range(600)]
TREE = NaiveTree(LEAVES)

# The eight entries of Certificate Transparency's own tests, and the roots of their first 0 to 8.
CT_ENTRIES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_NODES = {
    name: bytes.fromhex(text)
    for name, text in {
        "a": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "b": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "c": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        "d": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "e": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "f": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "1": CT_ROOTS[1], "2": CT_ROOTS[2], "4": CT_ROOTS[4],
    }.items()
}  # fmt: skip
CT_LEAVES = [hash_leaf(bytes.fromhex(entry)) for entry in CT_ENTRIES]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_the_eight_leaf_tree(size: int) -> None:
    assert root_of(CT_LEAVES[:size]).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "nodes"),
    [(0, 1, ""), (0, 8, "abc"), (5, 8, "de4"), (2, 3, "2"), (1, 5, "1bd")],
)
def test_inclusion_in_the_eight_leaf_tree(index: int, size: int, nodes: str) -> None:
    assert prove_inclusion(index, CT_LEAVES[:size]) == tuple(CT_NODES[n] for n in nodes)


@pytest.mark.parametrize(
    ("old", "new", "nodes"), [(1, 1, ""), (1, 8, "abc"), (6, 8, "fe4"), (2, 5, "bd")]
)
def test_consistency_in_the_eight_leaf_tree(old: int, new: int, nodes: str) -> None:
    assert prove_consistency(old, new, CT_LEAVES) == tuple(CT_NODES[n] for n in nodes)


def list_vectors(kind: str) -> list[Path]:
    return sorted((VECTORS / kind).glob("*/*.json"))


def read_vector(path: Path) -> dict[str, object]:
    """The case with all of its hashes decoded."""
    case = json.loads(path.read_text("utf-8"))
    hashes = {key: decode(text) for key, text in case.items() if key.startswith(("root", "leafH"))}
    return case | hashes | {"proof": [decode(text) for text in case["proof"] or []]}


def decode(text: str) -> bytes:
    return base64.b64decode(text or "")


def is_refused(check, *arguments) -> bool:
    try:
        check(*arguments)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    "path", list_vectors("inclusion"), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_published_inclusion_vectors(path: Path) -> None:
    case = read_vector(path)
    told = case["leafIdx"], case["treeSize"], case["leafHash"], case["proof"], case["root"]
    assert is_refused(check_inclusion, *told) == case["wantErr"]


@pytest.mark.parametrize(
    "path", list_vectors("consistency"), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_published_consistency_vectors(path: Path) -> None:
    case = read_vector(path)
    told = case["size1"], case["size2"], case["root1"], case["root2"], case["proof"]
    assert is_refused(check_consistency, *told) == case["wantErr"]


def test_there_are_vectors_of_both_kinds() -> None:
    wanted = [read_vector(p)["wantErr"] for kind in ("inclusion", "consistency")
              for p in list_vectors(kind)]  # fmt: skip
    assert (wanted.count(True), wanted.count(False)) == (86, 6)


def test_the_hashes_are_rfc_6962s() -> None:
    assert hash_leaf(b"x") == sha256(b"\x00x").digest()
    assert hash_children(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


@settings(max_examples=20)
@given(st.integers(1, 600))
def test_every_inclusion_proof_is_the_naive_one_and_holds(size: int) -> None:
    root = root_of(LEAVES[:size])
    assert root == TREE.root(size)
    for index in range(size):
        proof = prove_inclusion(index, LEAVES[:size])
        assert proof == TREE.path(index, size)
        check_inclusion(index, size, LEAVES[index], proof, root)


@settings(max_examples=20)
@given(st.integers(0, 600))
def test_every_consistency_proof_is_the_naive_one_and_holds(new: int) -> None:
    for old in range(new + 1):
        proof = prove_consistency(old, new, LEAVES)
        assert proof == TREE.proof(old, new)
        check_consistency(old, new, TREE.root(old), TREE.root(new), proof)


def change(data: st.DataObject, proof: tuple[bytes, ...]) -> list[bytes]:
    """The proof with one thing wrong."""
    at = data.draw(st.integers(0, max(len(proof) - 1, 0)))
    junk = data.draw(st.binary(min_size=32, max_size=32) | st.sampled_from([*proof, b"", b"x"]))
    ways = [[*proof[:at], junk, *proof[at:]], [*proof, junk]]
    if proof:
        bit = data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
        ways += [[*proof[:at], *proof[at + 1 :]], [*proof[:at], flipped, *proof[at + 1 :]]]
        ways += [[*proof[:at], proof[at] + b"\0", *proof[at + 1 :]]]
    return data.draw(st.sampled_from(ways))


@given(st.data(), st.integers(1, 600))
def test_a_changed_inclusion_proof_is_refused(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = TREE.path(index, size), TREE.root(size)
    wrong = data.draw(st.integers(-2, size + 2).filter(lambda n: n != index))
    assert is_refused(check_inclusion, index, size, LEAVES[index], change(data, proof), root)
    assert is_refused(check_inclusion, wrong, size, LEAVES[index], proof, root)
    assert is_refused(check_inclusion, index, size, leaf(b"other"), proof, root)
    assert is_refused(check_inclusion, index, size, LEAVES[index], proof, EMPTY_ROOT)


@given(st.data(), st.integers(1, 600))
def test_a_changed_consistency_proof_is_refused(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(0, new))
    roots = TREE.root(old), TREE.root(new)
    proof = TREE.proof(old, new)
    assert is_refused(check_consistency, old, new, *roots, change(data, proof))
    assert is_refused(check_consistency, old, new, leaf(b"other"), roots[1], proof)
    if old:
        assert is_refused(check_consistency, old, new, roots[0], leaf(b"other"), proof)
        assert old == new or is_refused(check_consistency, old, new, *reversed(roots), proof)


def test_a_history_that_was_rewritten_has_no_proof() -> None:
    forked = [*LEAVES[:5], leaf(b"other"), *LEAVES[6:20]]
    for old in range(6, 20):
        proof = prove_consistency(old, 20, forked)
        assert is_refused(check_consistency, old, 20, TREE.root(old), root_of(forked), proof)


@given(st.integers(1, 600), st.data())
def test_a_reason_says_what_is_wrong_with_the_length(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    path, proof = TREE.path(old - 1, new), TREE.proof(old, new)
    inclusion = old - 1, new, LEAVES[old - 1]
    consistency = old, new, TREE.root(old), TREE.root(new)
    with pytest.raises(ValueError, match="too long"):
        check_inclusion(*inclusion, [*path, LEAVES[0]], TREE.root(new))
    with pytest.raises(ValueError, match="too long"):
        check_consistency(*consistency, [*proof, LEAVES[0]])
    if path:
        with pytest.raises(ValueError, match="too short"):
            check_inclusion(*inclusion, path[:-1], TREE.root(new))
    if proof:
        with pytest.raises(ValueError, match="too short"):
            check_consistency(*consistency, proof[:-1])


@pytest.mark.parametrize("new", [0, 1, 7, 600])
def test_every_tree_continues_the_empty_one(new: int) -> None:
    check_consistency(0, new, EMPTY_ROOT, TREE.root(new), ())
    assert prove_consistency(0, new, LEAVES) == ()
    with pytest.raises(ValueError, match="too long"):
        check_consistency(0, new, EMPTY_ROOT, TREE.root(new), [EMPTY_ROOT])
    with pytest.raises(ValueError, match="empty tree"):
        check_consistency(0, new, TREE.root(3), TREE.root(new), ())


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2), (1, 601)])
def test_sizes_that_cannot_be_are_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="tree"):
        prove_consistency(old, new, LEAVES)
    with pytest.raises(ValueError, match=r"tree|short"):
        check_consistency(old, new, TREE.root(3), TREE.root(2), ())


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1)])
def test_an_index_outside_of_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in the tree"):
        prove_inclusion(index, LEAVES[:size])
    with pytest.raises(ValueError, match="not in the tree"):
        check_inclusion(index, size, LEAVES[0], (), LEAVES[0])


@given(st.integers(1, 2**200), st.data())
def test_sizes_of_strangers_cost_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    assert len(plan_inclusion(index, size)) <= size.bit_length()
    assert len(plan_consistency(index, size)) <= size.bit_length() + 1
    proof = [LEAVES[0]] * (size.bit_length() + 2)
    assert is_refused(check_inclusion, index, size, LEAVES[0], proof, LEAVES[1])
    assert is_refused(check_consistency, index, size, EMPTY_ROOT, LEAVES[1], proof)
