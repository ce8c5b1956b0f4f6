"""A real publisher in a folder, and what an attacker with some of its keys could do."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Root

from provisioner.adapters.release_sources import FolderSource, Source
from provisioner.adapters.releases import PublishedReleases
from provisioner.core.log_entries import entry_of_metadata
from provisioner.core.tlog.entry import Entry
from provisioner.models.manifest import FileEntry, root_of, write_manifest
from provisioner.models.release import Image, Recipe, RecipeService, Release
from provisioner.models.release import Source as CodeSource
from provisioner.publishing.create import create_publisher
from provisioner.publishing.keys import KeyRing
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.release import plan_image
from provisioner.publishing.repository import Repository
from provisioner.publishing.sign import sign_role

NOW = datetime.now(UTC).replace(microsecond=0)
APP, OWN = "app-taarafo-stable", "app-control-stable"
MANIFEST = write_manifest([FileEntry("/app/run", "f", 0o755, 0, 0, 3, "1" * 64)])


def publisher_in(folder: Path) -> Publisher:
    ring = KeyRing((folder / "keys",))
    return Publisher(ring, Repository(folder / "releases"), folder / "trust" / "root.json")


def image_of(manifest: bytes = MANIFEST) -> Image:
    return plan_image(
        repository="taarafo/taarafo",
        digest=root_of(b"image"),
        config_digest=root_of(b"config"),
        layers=[root_of(b"layer")],
        manifest=manifest,
    )


def release_of(version: str, *, summary: str = "", name: str = "taarafo") -> Release:
    recipe = Recipe(
        name=name,
        version=version,
        title="Taarafo",
        summary=summary,
        service=RecipeService(image="taarafo"),
    )
    source = CodeSource(swhid="swh:1:dir:" + "0" * 40)
    return Release(recipe=recipe, images={"taarafo": image_of()}, templates={}, source=source)


def publish(publisher: Publisher, version: str, now: datetime = NOW, **options: Any) -> None:
    publish_release(
        publisher, release_of(version), {root_of(MANIFEST): MANIFEST}, now=now, **options
    )


def begin(folder: Path, *versions: str) -> Publisher:
    """One from before there was a second channel."""
    publisher = publisher_in(folder)
    create_publisher(publisher, now=NOW, at_first=())
    for version in versions:
        publish(publisher, version)
    return publisher


def reader_of(
    publisher: Publisher, cache: Path, source: Source | None = None, seconds: float = 5.0
) -> PublishedReleases:
    source = source or FolderSource(publisher.repository.folder)
    root = publisher.shipped_root.read_bytes()
    return PublishedReleases(source, root=root, cache=cache, seconds=seconds)


def contents_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def put_back(saved: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(saved, folder)


def current_file(publisher: Publisher, role: str) -> Path:
    """The metadata file that a client reads now for a role."""
    if role == "timestamp":
        return publisher.repository.metadata / "timestamp.json"
    metadata, _ = publisher.read_state().get_role(role)
    return publisher.repository.metadata / f"{metadata.signed.version}.{role}.json"


def flip(path: Path, part: float) -> None:
    """Change one bit of one byte, `part` of the way through a file."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * part)] ^= 1
    path.write_bytes(content)


def forge(
    publisher: Publisher,
    role: str = "",
    change: Callable[[Metadata[Any]], None] = lambda metadata: None,
    *,
    lists: Callable[[dict[str, MetaFile]], None] = lambda meta: None,
    now: datetime = NOW,
    unsigned: bool = False,
    is_logged: bool = True,
) -> None:
    """What a thief of keys can do: change one role, sign it, and sign what stands above it.

    `lists` changes the snapshot's entries; `now` is when the changed role says it was signed;
    `unsigned` leaves it with one signature only; `is_logged` tells the public log of it, so that
    what is tested is TUF alone.
    """
    state = publisher.read_state()
    files = publisher.repository
    if role not in ("", "snapshot", "timestamp"):
        metadata, delegator = state.get_role(role)
        metadata.signed.version += 1
        change(metadata)
        sign_role(metadata, role, delegator, publisher.ring, now)
        if unsigned:
            metadata.signatures.popitem()
            metadata.signatures = dict(list(metadata.signatures.items())[:1])
        content = files.write_metadata(role, metadata)
        if is_logged:
            tell_log(
                publisher,
                state.root.signed,
                entry_of_metadata(role, metadata.signed.version, content),
            )
        if role == "root":
            return
        meta = MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
        state.snapshot.signed.meta[f"{role}.json"] = meta
    lists(state.snapshot.signed.meta)
    for name, metadata in (("snapshot", state.snapshot), ("timestamp", state.timestamp)):
        metadata.signed.version += 1
        if name == role:
            change(metadata)
        if name == "timestamp":
            version, content = state.snapshot.signed.version, state.snapshot.to_bytes()
            meta = MetaFile.from_data(version, content, ["sha256"])
            state.timestamp.signed.snapshot_meta = meta
        when = now if name == role else NOW
        sign_role(metadata, name, state.root.signed, publisher.ring, when)
        files.write_metadata(name, metadata)


def tell_log(publisher: Publisher, root: Root, *entries: Entry) -> None:
    log = publisher.open_log(root)
    log.append(entries)
    log.publish(publisher.cosign)
    log.serve()


def long_ago(role: str) -> datetime:
    """A signing time at which a role's signatures have ended by now."""
    return NOW - timedelta(days=400) if role == "root" else NOW - timedelta(days=100)


def run_until_killed(action: Callable[[], object], point: int) -> bool:
    """Run in a process of its own that is killed with SIGKILL before its `point`th file change:
    a file begun, renamed, removed, or opened to be written over.

    False when the action ended before that.
    """
    child = get_context("fork").Process(target=_run_and_die, args=(action, point))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode == -signal.SIGKILL


def _run_and_die(action: Callable[[], object], point: int) -> None:
    seen = 0

    def die_at_point(event: str, arguments: Any) -> None:
        nonlocal seen
        is_over = event == "open" and arguments[1] == "r+b"
        if is_over or event in ("tempfile.mkstemp", "os.rename", "os.remove", "os.rmdir"):
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die_at_point)
    action()
