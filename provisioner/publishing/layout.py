"""An image as an OCI layout folder: reading what it is and checking that it is whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.publishing.cellar import hash_file


@dataclass(frozen=True)
class Layout:
    """One image of one platform. `layers` are diff ids, lowest first."""

    folder: Path
    digest: str
    config_digest: str
    layers: tuple[str, ...]
    size: int

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def read_layout(folder: Path) -> Layout:
    """The image in this folder. Raises ValueError or OSError unless every byte is as it says.

    Layers must be stored as plain tars: then no compressor's version has a part in the digest.
    """
    index = json.loads((folder / "index.json").read_bytes())
    if len(index["manifests"]) != 1:
        raise ValueError("not one image")
    digest = index["manifests"][0]["digest"]
    manifest = _read(folder, digest)
    config = _read(folder, manifest["config"]["digest"])
    layers = tuple(layer["digest"] for layer in manifest["layers"])
    if layers != tuple(config["rootfs"]["diff_ids"]):
        raise ValueError("layers are not plain tars")
    image = Layout(
        folder,
        digest,
        manifest["config"]["digest"],
        layers,
        sum(x["size"] for x in manifest["layers"]),
    )
    for layer in layers:
        if "sha256:" + hash_file(image.blob(layer)) != layer:
            raise ValueError(f"layer {layer} is damaged")
    return image


def _read(folder: Path, digest: str) -> dict[str, Any]:
    content = (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    if "sha256:" + hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{digest} is damaged")
    read: dict[str, Any] = json.loads(content)
    return read
