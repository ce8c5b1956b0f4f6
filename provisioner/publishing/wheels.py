"""Python wheels an image is made of: which of a lock apply, fetching by hash, unpacking."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from packaging.markers import Marker

from provisioner.publishing.packages import Input
from provisioner.publishing.tool import run_tool

PYTHON = "3.11.2"  # the interpreter inside our images, not the one that builds
_GLIBC = range(17, 37)  # bookworm has 2.36
_TARGET = {
    "implementation_name": "cpython",
    "implementation_version": PYTHON,
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": PYTHON,
    "python_version": "3.11",
    "sys_platform": "linux",
    "extra": "",
}
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*((?:--hash=\S+\s*)+)$")


class Pin(NamedTuple):
    """One exact requirement with the SHA-256 of every file it may be."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def line(self) -> str:
        return f"{self.name}=={self.version} " + " ".join(
            f"--hash=sha256:{sha256}" for sha256 in self.hashes
        )


def read_pins(lock: str, without: Collection[str] = ()) -> tuple[Pin, ...]:
    """The pins of a hash-locked requirements file that hold inside our images.

    Raises ValueError for a line that is not pinned, and for a name in `without` that is not there.
    """
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n?", "", lock, flags=re.MULTILINE))
    pins, names = [], set()
    for line in filter(None, map(str.strip, joined.splitlines())):
        found = _PIN.match(line)
        if not found:
            raise ValueError(f"not a pinned requirement: {line[:80]!r}")
        name, version, marker, hashes = found.groups()
        names.add(name)
        if name not in without and (not marker or Marker(marker).evaluate(_TARGET)):
            pins.append(Pin(name, version, tuple(re.findall(r"sha256:([0-9a-f]{64})", hashes))))
    if missing := set(without) - names:
        raise ValueError(f"left out, but not in the lock: {', '.join(sorted(missing))}")
    return tuple(pins)


def fetch_wheels(pins: Sequence[Pin], into: Path) -> None:
    """Download one wheel for each pin with pip, which refuses any other bytes."""
    wanted = into / "wanted.txt"
    wanted.write_text("".join(pin.line() + "\n" for pin in pins))
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in _GLIBC] + ["manylinux2014_x86_64"]
    run_tool(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", "--python-version=3.11", "--implementation=cp"),
            *("--abi=cp311", "--abi=abi3", "--abi=none"),
            *(f"--platform={platform}" for platform in platforms),
            *("--dest", into, "--requirement", wanted),
        ]
    )
    wanted.unlink()


def wheel_input(wheel: Path, sha256: str) -> Input:
    """Name and version as the file's name gives them (binary distribution format)."""
    name, version = wheel.name.split("-")[:2]
    return Input(name.replace("_", "-").lower(), version, sha256)


def unpack_wheel(wheel: Path, into: Path) -> None:
    """Modules to `lib/`, scripts as they are to `bin/`; headers and loose data stay out."""
    with zipfile.ZipFile(wheel) as archive:
        for name, placed in _placed(archive.namelist()):
            target = into / placed
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("xb") as file:
                shutil.copyfileobj(source, file)
            target.chmod(0o755 if placed.startswith("bin/") else 0o644)


def _placed(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        path = PurePosixPath(name)
        if name.endswith("/") or path.is_absolute() or ".." in path.parts:
            continue
        scheme = path.parts[1] if path.parts[0].endswith(".data") and len(path.parts) > 2 else ""
        rest = "/".join(path.parts[2:])
        if not scheme:
            yield name, f"lib/{name}"
        elif scheme in ("purelib", "platlib"):
            yield name, f"lib/{rest}"
        elif scheme == "scripts":
            yield name, f"bin/{rest}"
