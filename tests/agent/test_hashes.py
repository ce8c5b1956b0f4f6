"""What is remembered is exactly what is still so; whatever changed is read again."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.agent import hashes
from provisioner.agent.hashes import Hashes, Recall
from provisioner.agent.walk import Walk
from tests.agent.test_members import count_read

BIG, SMALL = 800_000, 3_000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")


@pytest.fixture(scope="module")
def helpers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Tree:
    """Files below a folder, walked again and again with the memory of the last walk."""

    def __init__(self, root: Path, helpers: ThreadPoolExecutor) -> None:
        self.root, self.helpers, self.known = root, helpers, Hashes()

    def walk(self, settled_seconds: float = 0.0) -> list[tuple[str, bytes]]:
        """As the agent does from its second measurement on."""
        recall = Recall(self.root.stat().st_dev, self.known, settled_seconds)
        lines = self._walk(recall)
        self.known = recall.kept
        return lines

    def read_all(self) -> list[tuple[str, bytes]]:
        return self._walk(Recall())

    def _walk(self, recall: Recall) -> list[tuple[str, bytes]]:
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return list(Walk({}, self.helpers, recall).lines(folder))
        finally:
            os.close(folder)

    def count_read(self) -> int:
        """How many bytes one walk reads."""
        before = count_read()
        self.walk()
        return count_read() - before


def make_files(root: Path) -> Path:
    for number in range(6):
        path = root / f"folder{number % 2}" / f"file{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(BIG if number < 2 else SMALL))
    return root


@pytest.fixture
def tree(tmp_path: Path, helpers: ThreadPoolExecutor) -> Tree:
    tree = Tree(make_files(tmp_path), helpers)
    wait_a_tick()
    tree.walk()
    return tree


def wait_a_tick() -> None:
    """The kernel stamps files with a clock that ticks in milliseconds."""
    time.sleep(0.02)


def test_what_did_not_change_is_not_read(tree: Tree) -> None:
    everything = 2 * BIG + 4 * SMALL
    assert tree.walk() == tree.read_all()
    assert tree.count_read() < SMALL
    tree.known = Hashes()
    assert tree.count_read() > everything


def test_only_what_changed_is_read(tree: Tree) -> None:
    (tree.root / "folder0/file2").write_bytes(os.urandom(SMALL))
    assert SMALL <= tree.count_read() < 3 * SMALL
    assert tree.walk() == tree.read_all()


def overwrite(path: Path) -> None:
    """As long as it was, and with its old time put back."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """By a file that was made before, as old and as long, under the same name."""
    other = path.with_name("other")
    other.write_bytes(os.urandom(path.stat().st_size))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "overwrite": overwrite,
    "replace": replace,
    "append": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "shorten": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "mode": lambda path: path.chmod(0o4711),
    "touch": lambda path: path.touch(),
    "remove": lambda path: path.unlink(),
    "rename": lambda path: path.rename(path.with_name("zzz")),
    "link": lambda path: path.with_name("aaa").hardlink_to(path),
    "become a link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
    "become a folder": lambda path: (path.unlink(), path.mkdir()),
    "add before": lambda path: path.with_name("aaa").write_bytes(b"new"),
}


@pytest.mark.parametrize("name", ["folder0/file0", "folder0/file4", "folder1/file5"])
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(tree: Tree, change: str, name: str) -> None:
    before = tree.walk()
    CHANGES[change](tree.root / name)
    after = tree.walk()
    assert after == tree.read_all()
    assert (after != before) == (change not in ("touch",))
    assert tree.walk() == after


@needs_root
def test_another_owner_is_seen(tree: Tree) -> None:
    os.chown(tree.root / "folder0/file0", 7, 7)
    assert tree.walk() == tree.read_all()


@needs_root
def test_what_is_mounted_over_a_file_is_read_every_time(tree: Tree, tmp_path: Path) -> None:
    """Memory does not stamp a page that was written through a mapping."""
    target = tree.root / "folder1"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", target], check=True)
    try:
        (target / "file").write_bytes(os.urandom(BIG))
        wait_a_tick()
        assert tree.count_read() > BIG
        assert tree.count_read() > BIG
        assert tree.walk() == tree.read_all()
    finally:
        subprocess.run(["umount", target], check=True)
    assert tree.walk() == tree.read_all()


@needs_root
def test_a_layer_that_is_edited_below_is_seen(tmp_path: Path, helpers: ThreadPoolExecutor) -> None:
    """As the root of every container is stacked; nothing of it is written through the stack."""
    lower, upper, work, root = (tmp_path / name for name in ("lower", "upper", "work", "root"))
    for folder in (lower, upper, work, root):
        folder.mkdir()
    make_files(lower)
    layers = f"lowerdir={lower},upperdir={upper},workdir={work}"
    done = subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", root], check=False)
    if done.returncode:
        pytest.skip("no overlay can be stacked on this file system")
    try:
        stacked = Tree(root, helpers)
        wait_a_tick()
        stacked.walk()
        assert stacked.count_read() < SMALL
        overwrite(lower / "folder0/file0")
        assert stacked.walk() == stacked.read_all()
    finally:
        subprocess.run(["umount", root], check=True)


def test_what_was_written_a_moment_ago_is_not_remembered(tree: Tree) -> None:
    tree.walk(settled_seconds=60)
    assert tree.known.marks == b""
    assert tree.walk() == tree.read_all()


def test_a_file_from_the_future_is_read_every_time(tree: Tree) -> None:
    """As when the clock was set back: its times cannot be told from those of a later write."""
    recall = Recall(tree.root.stat().st_dev, _begun=time.time() - 3600, settled_seconds=0)
    assert recall.mark((tree.root / "folder0/file0").stat()) == b""


def test_many_new_files_before_the_others_do_not_make_them_forgotten(tree: Tree) -> None:
    for number in range(500):
        (tree.root / f"a{number:03}").write_bytes(b"new")
    wait_a_tick()
    assert tree.count_read() < BIG
    for number in range(500):
        (tree.root / f"a{number:03}").unlink()
    assert tree.count_read() < BIG
    assert tree.walk() == tree.read_all()


def test_memory_is_bounded_and_what_is_beyond_is_read(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "_LIMIT", 1)
    tree.walk()
    assert (len(tree.known.marks), len(tree.known.digests)) == (16, 32)
    assert tree.count_read() > BIG
    assert tree.walk() == tree.read_all()


def test_a_file_costs_48_bytes(tree: Tree) -> None:
    assert len(tree.known.marks) + len(tree.known.digests) == 6 * 48


EDITS = st.lists(
    st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 5)), min_size=1, max_size=8
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(EDITS, st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_edits_are_seen(
    tmp_path_factory: pytest.TempPathFactory,
    helpers: ThreadPoolExecutor,
    edits: list[tuple[str, int]],
    looks: list[bool],
) -> None:
    tree = Tree(make_files(tmp_path_factory.mktemp("tree")), helpers)
    wait_a_tick()
    tree.walk()
    for (change, number), is_looked_at in zip(edits, looks, strict=False):
        path = tree.root / f"folder{number % 2}" / f"file{number}"
        if path.is_file() and not path.with_name("aaa").exists():
            CHANGES[change](path)
        if is_looked_at:
            wait_a_tick()
            assert tree.walk() == tree.read_all()
    wait_a_tick()
    assert tree.walk() == tree.read_all()
