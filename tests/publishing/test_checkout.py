"""A commit is named only when it holds what lies there; tried with real git repositories."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.publishing.checkout import compare_with_head, find_commit
from provisioner.publishing.source import swhid_of

PATHS = ("app", "app/pages", "lock.txt", "data")


def git(folder: Path, *words: str) -> str:
    told = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "core.autocrlf=false")
    asked = subprocess.run(
        ["git", "-C", str(folder), *told, *words], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "-A", "--force", ".")
    git(folder, "commit", "-q", "-m", "A change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for name in ("app/pages", "data"):
        (project / name).mkdir(parents=True)
    for name in ("app/main.py", "app/pages/ü [x].html", "data/*", "lock.txt", "unrelated"):
        (project / name).write_text(name)
    (project / "app/run").write_text("#!/bin/sh\n")
    (project / "app/run").chmod(0o755)
    (project / "app/link").symlink_to("main.py")
    git(tmp_path, "init", "-q", "project")
    commit(project)
    return project


def test_a_clean_checkout_names_its_commit(project: Path) -> None:
    standing = compare_with_head(project, PATHS)
    assert standing.commit == git(project, "rev-parse", "HEAD")
    assert standing.explain() == ""
    assert swhid_of(project / "app") == "swh:1:dir:" + git(project, "rev-parse", "HEAD:app")
    assert swhid_of(project / "lock.txt") == "swh:1:cnt:" + git(
        project, "rev-parse", "HEAD:lock.txt"
    )


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda p: (p / "app/main.py").write_text("other"), "app"),
        (lambda p: (p / "app/main.py").chmod(0o755), "app"),
        (lambda p: (p / "app/new.py").write_text(""), "app"),
        (lambda p: (p / "app/pages/ü [x].html").unlink(), "app"),
        (lambda p: ((p / "app/link").unlink(), (p / "app/link").symlink_to("run")), "app"),
        (lambda p: (p / "lock.txt").write_text("other"), "lock.txt"),
        (lambda p: (p / "lock.txt").unlink(), "lock.txt"),
        (lambda p: shutil.rmtree(p / "data"), "data"),
    ],
)
def test_a_change_is_named_and_the_commit_is_not(project: Path, change, path: str) -> None:
    head = compare_with_head(project, PATHS).head
    change(project)
    standing = compare_with_head(project, PATHS)
    assert (standing.commit, standing.head, standing.differing) == ("", head, (path,))
    assert standing.explain() == (
        f"This differs from commit {head[:12]}: {path}. The release names no commit."
    )


def test_a_change_that_git_was_told_to_overlook_is_seen(project: Path) -> None:
    (project / "app/main.py").write_text("other")
    git(project, "update-index", "--assume-unchanged", "app/main.py")
    assert git(project, "status", "--porcelain") == ""
    assert compare_with_head(project, PATHS).differing == ("app",)


def test_what_goes_into_no_image_does_not_count(project: Path) -> None:
    (project / "unrelated").write_text("other")
    (project / "app/__pycache__").mkdir()
    (project / "app/__pycache__/main.pyc").write_bytes(b"x")
    (project / "app/.main.py.swp").write_bytes(b"x")
    (project / "app/empty").mkdir()
    assert compare_with_head(project, PATHS).commit


def test_a_staged_change_differs_until_it_is_committed(project: Path) -> None:
    (project / "lock.txt").write_text("other")
    git(project, "add", "-A")
    assert compare_with_head(project, PATHS).commit == ""
    made = commit(project)
    assert compare_with_head(project, PATHS).commit == made


def test_a_path_that_the_commit_does_not_have_differs(project: Path) -> None:
    (project / "more").mkdir()
    (project / "more/file").write_text("x")
    assert compare_with_head(project, [*PATHS, "more"]).differing == ("more",)


def test_outside_of_a_checkout_no_commit_is_named(project: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(project, plain, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    standing = compare_with_head(plain, PATHS)
    assert (standing.commit, standing.explain()) == ("", "")


def test_a_copy_inside_of_a_foreign_checkout_does_not_take_its_commit(project: Path) -> None:
    copy = project / "vendor" / "copy"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    (project / ".gitignore").write_text("vendor\n")
    assert set(compare_with_head(copy, PATHS).differing) == {"app", "data", "lock.txt"}
    git(project, "add", "--force", "vendor")
    git(project, "commit", "-q", "-m", "Now it is part of it")
    assert compare_with_head(copy, PATHS).commit == git(project, "rev-parse", "HEAD")


def test_a_replaced_commit_is_not_believed(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    (project / "app/main.py").write_text("other")
    second = commit(project)
    git(project, "replace", first, second)
    git(project, "checkout", "-q", "--detach", first)
    assert compare_with_head(project, PATHS).differing == ("app",)


def test_without_git_no_commit_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert compare_with_head(project, PATHS).head == ""


def test_the_variables_of_a_git_hook_have_no_part_in_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert compare_with_head(project, PATHS).commit


def test_an_old_commit_is_laid_out_as_it_was(project: Path, tmp_path: Path) -> None:
    first, was = git(project, "rev-parse", "HEAD"), swhid_of(project / "app")
    (project / "app/main.py").write_text("other")
    commit(project)
    (tmp_path / "old").mkdir()
    assert find_commit(project, first, tmp_path / "old")
    assert swhid_of(tmp_path / "old/app") == was != swhid_of(project / "app")
    assert (tmp_path / "old/app/run").stat().st_mode & 0o100


@pytest.mark.parametrize("name", ["", "HEAD", "--output=/tmp/x", "0" * 40, "main", "0" * 39])
def test_what_is_no_commit_of_it_is_not_found(project: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "old").mkdir()
    assert not find_commit(project, name, tmp_path / "old")
    assert list((tmp_path / "old").iterdir()) == []
