"""`python -m provisioner.publishing.lock`: lock every image to the packages Debian offers now."""

from __future__ import annotations

import sys
from pathlib import Path

from provisioner.publishing.cellar import Cellar
from provisioner.publishing.inputs import resolve_packages
from provisioner.publishing.packages import Input, read_lock, write_lock
from provisioner.settings import ROOT, Settings


def lock_images(settings: Settings, project: Path = ROOT) -> list[str]:
    """Rewrite each `packages.lock` with the newest versions; returns one line for each change.

    To add a package, add a line with its name, `0` and 64 zeros before running this.
    """
    locks = {path: read_lock(path.read_text()) for path in project.glob("images/*/packages.lock")}
    names = sorted({package.name for packages in locks.values() for package in packages})
    newest = {package.name: package for package in resolve_packages(Cellar(settings.cache), names)}
    changes = []
    for path, packages in sorted(locks.items()):
        current = [newest[package.name] for package in packages]
        changes += _describe(path.parent.name, packages, current)
        path.write_text(write_lock(current))
    return changes


def _describe(image: str, old: tuple[Input, ...], new: list[Input]) -> list[str]:
    return [
        f"{image}: {was.name} {was.version} -> {now.version}"
        for was, now in zip(old, new, strict=True)
        if was != now
    ]


if __name__ == "__main__":
    sys.stdout.writelines(line + "\n" for line in lock_images(Settings()))
