"""Source trees: their SWHID is git's tree id, and a checkout's own traces never get in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provisioner.publishing.source import copy_source, digest_source, swhid_of
from provisioner.settings import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Names whose order differs between git and a plain sort, modes, a link, a binary file."""
    root = tmp_path / "tree"
    for name in ("a/b", "a.d", "empty/below", "ü"):
        (root / name).mkdir(parents=True)
    for name in ("a/one", "a/b/two", "a.d/three", "a-b", "a0", "ü/x", "zero"):
        (root / name).write_bytes(name.encode() + b"\0\xff")
    (root / "zero").write_bytes(b"")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("./a//one")
    return root


def git_tree_id(folder: Path, git_dir: Path) -> str:
    """What git itself says."""
    environment = {**os.environ, "GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
    git = ["git", "-c", "core.excludesFile=", "-c", "core.autocrlf=false"]
    subprocess.run([*git, "init", "-q"], env=environment, check=True)
    subprocess.run([*git, "add", "-A", "."], env=environment, check=True, cwd=folder)
    done = subprocess.run(
        [*git, "write-tree"], env=environment, check=True, capture_output=True, cwd=folder
    )
    return done.stdout.decode().strip()


def test_the_swhid_of_a_folder_is_gits_tree_id(tree: Path, tmp_path: Path) -> None:
    assert swhid_of(tree) == f"swh:1:dir:{git_tree_id(tree, tmp_path / 'git')}"


def test_the_swhid_of_the_community_app_is_gits_tree_id(tmp_path: Path) -> None:
    app = tmp_path / "app"
    copy_source(ROOT / "images" / "taarafo" / "app", app)
    assert swhid_of(app) == f"swh:1:dir:{git_tree_id(app, tmp_path / 'git')}"
    assert swhid_of(ROOT / "images" / "taarafo" / "app") == swhid_of(app)


def test_caches_and_hidden_files_are_not_source(tree: Path) -> None:
    before = (swhid_of(tree), digest_source(tree))
    (tree / "a" / "__pycache__").mkdir()
    (tree / "a" / "__pycache__" / "one.pyc").write_bytes(b"x")
    (tree / ".one.swp").write_bytes(b"x")
    (tree / "zero").chmod(0o600)
    assert (swhid_of(tree), digest_source(tree)) == before


@pytest.mark.parametrize("change", ["content", "mode", "name", "link"])
def test_every_change_of_the_source_changes_both(tree: Path, change: str) -> None:
    before = (swhid_of(tree), digest_source(tree))
    if change == "content":
        (tree / "zero").write_bytes(b"1")
    elif change == "mode":
        (tree / "zero").chmod(0o755)
    elif change == "name":
        (tree / "zero").rename(tree / "one")
    else:
        (tree / "link").unlink()
        (tree / "link").symlink_to("a/one")
    after = (swhid_of(tree), digest_source(tree))
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_a_copy_has_the_modes_that_git_knows(tree: Path, tmp_path: Path) -> None:
    (tree / "zero").chmod(0o660)
    (tree / "run").chmod(0o700)
    copy = tmp_path / "copy"
    copy_source(tree, copy)
    assert (copy / "zero").stat().st_mode & 0o777 == 0o644
    assert (copy / "run").stat().st_mode & 0o777 == 0o755
    assert os.readlink(copy / "link") == "./a//one"  # noqa: PTH115 - a Path would tidy it up
