"""A little image and release for tests: some programs of this machine, listed as they are."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioner.core.appraisal.agents import AgentKey, hash_row
from provisioner.errors import ReleaseUnknown
from provisioner.models.log import LogSeen
from provisioner.models.manifest import FileEntry, root_of, write_manifest
from provisioner.models.release import Image, Listing, Recipe, RecipeService, Release, Source
from provisioner.publishing.release import plan_image

PROGRAMS = ("sh", "sleep", "cat", "cp", "rm", "chmod")
COMMAND = ("/bin/sh", "-c", "while :; do /bin/sleep 1000; done")


@dataclass
class LittleReleases:
    """The port `Releases` with one release in memory. `errors` are raised instead."""

    release: Release
    manifest: bytes
    newest_release: Release | None = None
    floor: str = "0.0.0"
    error: Exception | None = None
    agents: tuple[AgentKey, ...] = ()  # those that are in the public log

    @contextmanager
    def open(self) -> Iterator[LittleReleases]:
        if self.error:
            raise self.error
        yield self

    @property
    def log(self) -> LogSeen:
        rows: dict[str, tuple[str, ...]] = {}
        for each in self.agents:
            rows[each.host_id] = (*rows.get(each.host_id, ()), hash_row(each))
        return LogSeen("little/log", 5, "0" * 64, "none", {}, rows)

    def list(self, recipe: str, channel: str = "stable") -> list[str]:
        return [self.release.version]

    def get(self, target: str) -> Release:
        if target != self.release.target:
            raise ReleaseUnknown(name=target)
        return self.release

    def newest(self, recipe: str, channel: str = "stable") -> Release:
        return self.newest_release or self.release

    def describe(self, target: str) -> Listing:
        return Listing(
            target=target,
            version="1.0.0",
            channel="stable",
            security_floor=self.floor,
            is_self_built=True,
        )

    def get_manifest(self, image: Image) -> bytes:
        return self.manifest

    def write(self, repository: Path) -> None:
        """As TUF stores them with consistent snapshots: `<sha256>.<name>`."""
        image = self.release.images["app"]
        raw = self.release.model_dump_json(by_alias=True).encode()
        for target, content in ((self.release.target, raw), (image.files_target, self.manifest)):
            path = repository / "targets" / target
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256(content).hexdigest()
            (path.parent / f"{digest}.{path.name}").write_bytes(content)


def make_release(manifest: bytes, config_digest: str, version: str = "1.0.0") -> Release:
    service = RecipeService(
        image="app",
        command=COMMAND,
        configs={"app.toml.j2": "/etc/app/app.toml"},
        environment={"KIND": "little"},
    )
    image = plan_image(
        repository="taarafo/app",
        digest="sha256:" + "0" * 64,
        config_digest=config_digest,
        layers=(),
        manifest=manifest,
        environment=("LANG=C.UTF-8",),
        workdir="/",
    )
    return Release(
        recipe=Recipe(name="little", version=version, title="Little", service=service),
        images={"app": image},
        templates={"app.toml.j2": ""},
        source=Source(swhid="swh:1:dir:" + "0" * 40),
    )


def make_rootfs(path: Path) -> bytes:
    """Writes a root file system as a tar and returns its manifest."""
    entries = {each.path: each for each in _folders() + _links()}
    contents: dict[str, bytes] = {}
    for source in _sources():
        for parent in reversed(source.parents[:-1]):
            entries.setdefault(str(parent), _folder(str(parent)))
        contents[str(source)] = Path(source).resolve().read_bytes()
    contents["/app/main.py"] = b"print('hello')\n"
    contents["/app/line\nbreak"] = b"hostile name\n"
    contents["/app/\udcff"] = b"no utf-8\n"
    contents["/app/big"] = b"0123456789abcdef" * 262_144
    for name, content in contents.items():
        digest = hashlib.sha256(content).hexdigest()
        entries[name] = FileEntry(name, "f", 0o755, 0, 0, len(content), digest)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in sorted(entries.values()):
            _add(tar, entry, contents.get(entry.path, b""))
    return write_manifest(entries.values())


def _folder(path: str) -> FileEntry:
    return FileEntry(path, "d", 0o755, 0, 0, 0, "")


def _folders() -> list[FileEntry]:
    names = ("app", "app/empty", "bin", "data", "dev", "etc", "proc", "run", "run/edge", "sys",
             "tmp", "usr", "var")  # fmt: skip
    return [_folder(f"/{name}") for name in names]


def _links() -> list[FileEntry]:
    targets = {"/app/out": "../../../../etc/passwd", "/app/loop": "loop", "/app/top": "/"}
    return [FileEntry(k, "l", 0o777, 0, 0, 0, v) for k, v in targets.items()]


def _sources() -> list[Path]:
    programs = [Path("/bin") / name for name in PROGRAMS]
    found = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    words = (word for line in found.splitlines() for word in line.split() if line[0] == "\t")
    libraries = {Path(word) for word in words if word.startswith("/")}
    return [*programs, *sorted(libraries)]


def _add(tar: tarfile.TarFile, entry: FileEntry, content: bytes) -> None:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.mode, info.size = entry.mode, len(content)
    info.type = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE}[entry.type]
    info.linkname = entry.content if entry.type == "l" else ""
    tar.addfile(info, io.BytesIO(content))


def digest_of(manifest: bytes) -> str:
    return root_of(manifest)
