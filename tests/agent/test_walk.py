"""Walks over real trees: everything is measured as it is, and nothing leads outside."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provisioner.agent.hash_file import hash_open_file, open_file
from provisioner.agent.walk import Walk
from provisioner.models.evidence import CHANGING, TOO_LARGE, UNREADABLE, LeftOut
from provisioner.models.manifest import FileEntry, read_manifest

LIMIT = 1 << 30
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes devices and mounts")


@pytest.fixture(scope="module")
def helpers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def measure(root: Path, walk: Walk) -> dict[str, FileEntry]:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        text = b"".join(line for _, line in walk.lines(folder))
    finally:
        os.close(folder)
    return read_manifest(text)


def test_every_kind_of_entry_is_told_as_it_is(tmp_path: Path, helpers: ThreadPoolExecutor) -> None:
    (tmp_path / "folder").mkdir(mode=0o1711)
    (tmp_path / "folder").chmod(0o1711)
    (tmp_path / "empty").touch(0o600)
    (tmp_path / "small").write_bytes(b"x" * 100)
    (tmp_path / "small").chmod(0o4755)
    (tmp_path / "large").write_bytes(b"y" * 3_000_000)
    os.mkfifo(tmp_path / "pipe", 0o640)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    (tmp_path / "link").symlink_to("../../../../etc/passwd")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "away").symlink_to("/")
    (tmp_path / "twice").hardlink_to(tmp_path / "small")
    found = measure(tmp_path, Walk({}, helpers))
    kinds = {path: (e.type, oct(e.mode), e.size, e.content) for path, e in found.items()}
    small, large = hashlib.sha256(b"x" * 100), hashlib.sha256(b"y" * 3_000_000)
    assert kinds == {
        "/away": ("l", "0o777", 0, "/"),
        "/empty": ("f", "0o600", 0, hashlib.sha256().hexdigest()),
        "/folder": ("d", "0o1711", 0, ""),
        "/large": ("f", "0o644", 3_000_000, large.hexdigest()),
        "/link": ("l", "0o777", 0, "../../../../etc/passwd"),
        "/loop": ("l", "0o777", 0, "loop"),
        "/pipe": ("p", "0o640", 0, ""),
        "/small": ("f", "0o4755", 100, small.hexdigest()),
        "/socket": ("s", kinds["/socket"][1], 0, ""),
        "/twice": ("f", "0o4755", 100, small.hexdigest()),
    }


@needs_root
def test_devices_are_named_and_not_opened(tmp_path: Path, helpers: ThreadPoolExecutor) -> None:
    os.mknod(tmp_path / "zero", 0o20666, os.makedev(1, 5))
    os.mknod(tmp_path / "disk", 0o60600, os.makedev(250, 300))
    found = measure(tmp_path, Walk({}, helpers))
    assert (found["/zero"].type, found["/zero"].content) == ("c", "1,5")
    assert (found["/disk"].type, found["/disk"].content) == ("b", "250,300")


def test_hostile_names_keep_the_order_of_the_manifest(
    tmp_path: Path, helpers: ThreadPoolExecutor
) -> None:
    names = [b"a", b"a-b", b"a.", b"a0", b"line\nbreak", b'quo"te', b"back\\slash", b"\xff\xfe",
             "é".encode(), "\U0001f600".encode(), b" ", b"\x1b[2J", b"x" * 255]  # fmt: skip
    for name in names:
        (tmp_path / os.fsdecode(name)).mkdir()
        (tmp_path / os.fsdecode(name) / "inner").touch()
    found = measure(tmp_path, Walk({}, helpers))
    raw = [os.fsencode(path) for path in found]
    assert raw == sorted(raw)
    assert set(raw) == {b"/" + n for n in names} | {b"/" + n + b"/inner" for n in names}


def test_skipped_paths_are_left_out_once_with_what_is_below(
    tmp_path: Path, helpers: ThreadPoolExecutor
) -> None:
    for name in ("data/inner", "data-more", "etc"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/hosts").touch()
    walk = Walk({"/data": "theirs", "/etc/hosts": "engine", "/never": "x"}, helpers)
    assert set(measure(tmp_path, walk)) == {"/data-more", "/etc"}
    assert walk.left_out == [LeftOut("/data", "theirs"), LeftOut("/etc/hosts", "engine")]


def test_limits_are_said(tmp_path: Path, helpers: ThreadPoolExecutor) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "z").write_bytes(b"12345")
    deep = Walk({}, helpers, depth_limit=2)
    assert set(measure(tmp_path, deep)) == {"/a", "/a/b", "/a/b/c", "/z"}
    assert deep.left_out == [LeftOut("/a/b/c/", "too deep")]
    few = Walk({}, helpers, entry_limit=2)
    assert set(measure(tmp_path, few)) == {"/a", "/a/b"}
    assert few.left_out[0].why == "too many files"
    large = Walk({}, helpers, file_limit=4)
    assert measure(tmp_path, large)["/z"].content == TOO_LARGE


def test_a_sparse_giant_costs_nothing(tmp_path: Path, helpers: ThreadPoolExecutor) -> None:
    with (tmp_path / "giant").open("wb") as file:
        file.truncate(1 << 40)
    entry = measure(tmp_path, Walk({}, helpers))["/giant"]
    assert (entry.size, entry.content) == (1 << 40, TOO_LARGE)


def test_a_path_longer_than_the_kernel_takes(tmp_path: Path, helpers: ThreadPoolExecutor) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    name = "n" * 200
    for _ in range(30):  # 6,000 bytes: PATH_MAX is 4,096
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    found = measure(tmp_path, Walk({}, helpers))
    assert len(found) == 30
    subprocess.run(["rm", "-rf", str(tmp_path / name)], check=True)


def test_memory_does_not_grow_with_waiting_files(
    tmp_path: Path, helpers: ThreadPoolExecutor
) -> None:
    """More large files than may wait at once are all there, in order."""
    for number in range(300):
        with (tmp_path / f"{number:03}").open("wb") as file:
            file.truncate(600_000)
    found = measure(tmp_path, Walk({}, helpers))
    assert list(found) == [f"/{number:03}" for number in range(300)]
    assert len({entry.content for entry in found.values()}) == 1


def test_a_tree_that_changes_all_the_time_never_stops_the_walk(
    tmp_path: Path, helpers: ThreadPoolExecutor
) -> None:
    """Folders, links and pipes take each other's place meanwhile; the secret is never read."""
    secret = tmp_path / "secret"
    secret.write_text("not for you")
    root = tmp_path / "root"
    root.mkdir()
    stop = threading.Event()
    churn = threading.Thread(target=_churn, args=(root, secret, stop))
    churn.start()
    try:
        hidden = hashlib.sha256(b"not for you").hexdigest()
        for _ in range(150):
            found = measure(root, Walk({}, helpers))
            assert hidden not in {entry.content for entry in found.values()}
            assert "/x/secret" not in found
    finally:
        stop.set()
        churn.join()


def _churn(root: Path, secret: Path, stop: threading.Event) -> None:
    x = root / "x"
    while not stop.is_set():
        x.mkdir()
        (x / "inner").write_text("i")
        (x / "inner").unlink()
        x.rmdir()
        x.symlink_to(secret.parent)
        x.unlink()
        x.symlink_to(secret)
        x.unlink()
        os.mkfifo(x)
        x.unlink()
        x.write_text("file")
        x.unlink()


# -- one file -----------------------------------------------------------------------------------


def hash_path(path: Path, limit: int = LIMIT) -> str:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fd = open_file(path.name, folder)
        return hash_open_file(fd, limit)[1] if fd >= 0 else UNREADABLE
    finally:
        os.close(folder)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 262_144, 1_000_003])
def test_every_size_is_hashed_like_anybody_would(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert hash_path(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert hash_path(tmp_path / "link") == UNREADABLE
    os.mkfifo(tmp_path / "pipe")
    assert hash_path(tmp_path / "pipe") == CHANGING  # at once: nobody waits for a writer
    assert hash_path(tmp_path) == CHANGING


def test_a_file_that_is_written_all_the_time_is_said_to_change(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    os.truncate(path, 200_000_000)  # reading it takes longer than a busy machine lets a writer wait
    begun, stop = threading.Event(), threading.Event()

    def write() -> None:
        with path.open("r+b") as file:
            while not stop.is_set():
                file.write(b"y")
                file.flush()
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(10)
        assert hash_path(path) == CHANGING
    finally:
        stop.set()
        writer.join()
    assert len(hash_path(path)) == 64


def test_a_file_in_proc_lies_about_its_size(tmp_path: Path) -> None:
    """Size 0 and content: never taken for an empty file."""
    assert hash_path(Path("/proc/self/status")) == CHANGING
