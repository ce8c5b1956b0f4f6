"""The git checkout that a project is in: its commit, and whether that holds what lies there.

A release names a commit only when everything that goes into it is what that commit holds. The
comparison is by git's own object ids, computed here from the files: no index, no filter and no
setting of the checkout has a part in it.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from provisioner.publishing.source import entry_of

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}").fullmatch


@dataclass(frozen=True)
class Standing:
    """The commit that is checked out ("" where git knows none), and which paths differ from it."""

    head: str = ""
    differing: tuple[str, ...] = ()

    @property
    def commit(self) -> str:
        """The commit that may be named: empty rather than a wrong one."""
        return "" if self.differing else self.head

    def explain(self) -> str:
        """A sentence for the publisher when there is a commit that may not be named, else ""."""
        if not self.differing:
            return ""
        paths = ", ".join(self.differing)
        return f"This differs from commit {self.head[:12]}: {paths}. The release names no commit."


def compare_with_head(project: Path, paths: Iterable[str]) -> Standing:
    """Compare files and folders of a project with `HEAD:<path>`.

    Caches and hidden files are no source (`list_source`), so a commit that holds some differs.
    """
    answer = _ask_git(project, "rev-parse", "--verify", "HEAD^{commit}")
    head = (answer or b"").decode().strip()
    if not _COMMIT(head):
        return Standing()
    wanted = _drop_nested(paths)
    listed = _list_entries(project, head, wanted)
    return Standing(head, tuple(p for p in wanted if listed.get(p) != _find_entry(project / p)))


def find_commit(project: Path, commit: str, into: Path) -> bool:
    """Lay the files of a commit out below `into`; False when this checkout does not have it."""
    if not _COMMIT(commit):
        return False
    content = _ask_git(project, "archive", "--format=tar", commit)
    if content is None:
        return False
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(into, filter="tar")
    return True


def _drop_nested(paths: Iterable[str]) -> list[str]:
    """Sorted; what lies below another one of them is compared with that one."""
    whole = set(paths)
    return sorted(p for p in whole if not {str(above) for above in Path(p).parents} & whole)


def _list_entries(project: Path, commit: str, paths: list[str]) -> dict[str, str]:
    """Path → `mode kind id`, below the folder of the project."""
    listed = _ask_git(project, "ls-tree", "-z", commit, "--", *paths) or b""
    lines = (line.split("\t", 1) for line in os.fsdecode(listed).split("\0") if line)
    return {path: entry for entry, path in lines}


def _find_entry(path: Path) -> str:
    try:
        return entry_of(path)
    except OSError:
        return ""


def _ask_git(project: Path, *words: str) -> bytes | None:
    """What git says; None when it refuses, or is not installed. Replaced objects do not count."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    command = ["git", "--no-replace-objects", "--literal-pathspecs", "-C", str(project), *words]
    try:
        asked = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return asked.stdout if asked.returncode == 0 else None
