"""What is kept of a community's data before an upgrade, and how it is put back.

Below the community's folder: `data`, and `snapshots/<name>` for each that was taken. Whoever calls
has stopped the community first. Each call may be repeated after a crash at any instant.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from provisioner.files import UNFINISHED, sync_folder
from provisioner.node.copying import copy_folder, mark_copied, measure_copy


class StillWritten(Exception):
    """The data changed while they were copied: what was made is not what there is."""


class Snapshots:
    """Of one community. `shared` are folders of its data whose files never change."""

    def __init__(self, home: Path, shared: Collection[str] = ()) -> None:
        self._home, self._shared = home, tuple(shared)
        self._data, self._folder = home / "data", home / "snapshots"

    def measure(self) -> int:
        """Bytes that one more will need."""
        return measure_copy(self._data, self._shared)

    def list(self) -> list[str]:
        """Names of those that are whole."""
        if not self._folder.is_dir():
            return []
        names = (path.name for path in self._folder.iterdir())
        return sorted(name for name in names if not name.endswith(UNFINISHED))

    def take(self, name: str) -> None:
        """Keep the data as it is now; one that is whole already is left as it is.

        Raises StillWritten: whoever was stopped was not, and what it writes would be missing.
        """
        self._finish_putting_back()
        whole = self._folder / name
        if whole.is_dir():
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        fresh = whole.with_name(name + UNFINISHED)
        _remove(fresh)
        before = mark_copied(self._data, self._shared)
        copy_folder(self._data, fresh, self._shared)
        if mark_copied(self._data, self._shared) != before:
            _remove(fresh)
            raise StillWritten("somebody wrote while the data were copied")
        fresh.rename(whole)
        sync_folder(self._folder)
        sync_folder(self._home)

    def put_back(self, name: str) -> None:
        """Make the data what it was. The snapshot stays. Raises LookupError without one."""
        self._finish_putting_back()
        whole = self._folder / name
        if not whole.is_dir():
            raise LookupError(name)
        copy_folder(whole, self._fresh, self._shared)
        self._data.rename(self._old)
        sync_folder(self._home)
        self._finish_putting_back()

    def forget(self, keep: Collection[str]) -> None:
        """Remove all others, and what a crash left half made."""
        for path in self._folder.glob("*"):
            if path.name not in keep:
                _remove(path)

    @property
    def _fresh(self) -> Path:
        return self._home / f"data{UNFINISHED}"

    @property
    def _old(self) -> Path:
        return self._home / "data.old"

    def _finish_putting_back(self) -> None:
        """The data is moved away only when what takes its place is whole and on the disk."""
        if not self._data.is_dir():
            self._fresh.rename(self._data)
            sync_folder(self._home)
        _remove(self._old)
        _remove(self._fresh)


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
