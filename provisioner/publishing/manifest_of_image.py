"""The file manifest of an image: what its layers, put on top of each other, look like.

Layers are read as the OCI image specification says (whiteouts, opaque folders, hard links). The
result equals a walk of a container's root, apart from what the engine mounts or writes there.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from provisioner.models.manifest import FileEntry, read_manifest, write_manifest
from provisioner.publishing.built_image import BuiltImage

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_TYPES = {
    tarfile.REGTYPE: "f",
    tarfile.AREGTYPE: "f",
    tarfile.DIRTYPE: "d",
    tarfile.SYMTYPE: "l",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
    tarfile.FIFOTYPE: "p",
}


def measure_image(built: BuiltImage) -> bytes:
    """The canonical manifest text of a built image. Raises ValueError for an impossible layer."""
    return measure_layers([built.blob(layer) for layer in built.layers])


def measure_layers(layers: list[Path]) -> bytes:
    """The same of plain layer tars, lowest first."""
    tree: dict[str, FileEntry] = {}
    for layer in layers:
        _apply(tree, layer)
    return write_manifest(tree.values())


def find_assets(manifest: bytes, assets: Mapping[str, str]) -> dict[str, str]:
    """`/static/app.css` → `sha256:…` of every file below the folders that a recipe serves.

    `assets` maps a URL prefix to a folder of the image. Raises ValueError for an empty folder:
    a recipe that names it expects something there.
    """
    entries = read_manifest(manifest).values()
    found: dict[str, str] = {}
    for prefix, folder in assets.items():
        below = folder.rstrip("/") + "/"
        files = {
            prefix.rstrip("/") + "/" + entry.path.removeprefix(below): f"sha256:{entry.content}"
            for entry in entries
            if entry.type == "f" and entry.path.startswith(below)
        }
        if not files:
            raise ValueError(f"the image has no files in {folder}")
        found |= files
    return dict(sorted(found.items()))


def _apply(tree: dict[str, FileEntry], layer: Path) -> None:
    """Put one layer on top. Its whiteouts hide what is below it, never what it brings itself."""
    lower = dict(tree)
    with tarfile.open(layer, "r:") as archive:
        for member in archive:
            path = _path_of(member.name)
            name = PurePosixPath(path).name
            parent = str(PurePosixPath(path).parent)
            if name == _OPAQUE:
                _hide_below(tree, lower, parent)
            elif name.startswith(_WHITEOUT):
                hidden = f"{parent.rstrip('/')}/{name.removeprefix(_WHITEOUT)}"
                _hide_below(tree, lower, hidden)
                _hide(tree, lower, hidden)
            elif path != "/":
                _check_parent(tree, parent, path)
                entry = _entry(tree, archive, member, path)
                if entry.type != "d" and path in tree and tree[path].type == "d":
                    _hide_below(tree, lower, path)
                tree[path] = entry


def _hide_below(tree: dict[str, FileEntry], lower: Mapping[str, FileEntry], path: str) -> None:
    below = path.rstrip("/") + "/"
    for known in [known for known in tree if known.startswith(below)]:
        _hide(tree, lower, known)


def _hide(tree: dict[str, FileEntry], lower: Mapping[str, FileEntry], path: str) -> None:
    if path in tree and tree[path] is lower.get(path):
        del tree[path]


def _check_parent(tree: Mapping[str, FileEntry], parent: str, path: str) -> None:
    if parent != "/" and (parent not in tree or tree[parent].type != "d"):
        raise ValueError(f"{path} is in no folder of its image")


def _entry(
    tree: Mapping[str, FileEntry], archive: tarfile.TarFile, member: tarfile.TarInfo, path: str
) -> FileEntry:
    if member.islnk():
        target = tree.get(_path_of(member.linkname))
        if target is None or target.type != "f":
            raise ValueError(f"{path} is a hard link to nothing")
        return target._replace(path=path)
    if member.type not in _TYPES:
        raise ValueError(f"{path} has a type that no image may hold")
    kind = _TYPES[member.type]
    mode = 0o777 if kind == "l" else member.mode & 0o7777
    size = member.size if kind == "f" else 0
    content = _content(archive, member, kind)
    return FileEntry(path, kind, mode, member.uid, member.gid, size, content)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, kind: str) -> str:
    if kind == "f":
        source = archive.extractfile(member)
        if source is None:
            raise ValueError(f"{member.name} cannot be read")
        return hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]
    if kind == "l":
        return member.linkname
    return f"{member.devmajor},{member.devminor}" if kind in "cb" else ""


def _path_of(name: str) -> str:
    """`./usr/bin/` → `/usr/bin`. Raises ValueError for a name that leads elsewhere."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"{name!r} leads out of its image")
    return "/" + "/".join(parts)
