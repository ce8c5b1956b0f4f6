"""Builds a Containerfile with buildah: no network, a fixed clock, storage of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.publishing.tool import run_tool

TIMESTAMP = 1_735_689_600  # 2025-01-01: every file and every image carries this moment


def build_layout(context: Path, containerfile: Path, base: Path | None, out: Path) -> None:
    """Build into an OCI layout at `out`. `base` is the layout that `FROM base` means.

    Raises ToolFailed. Layers stay plain tars (docs/decisions/plain-layers.md).
    """
    with TemporaryDirectory(dir=context.parent, prefix="storage-") as folder:
        root, run, image_id = (Path(folder) / name for name in ("root", "run", "image"))
        buildah = ("buildah", "--root", root, "--runroot", run)
        store = f"containers-storage:[{root}+{run}]"
        if base:
            run_tool(["skopeo", "copy", "--quiet", f"oci:{base}", f"{store}localhost/base:latest"])
        run_tool(
            [
                *("unshare", "--net", "--"),
                *(*buildah, "bud", "--isolation=chroot", "--layers=false"),
                *(f"--timestamp={TIMESTAMP}", "--identity-label=false", "--format=oci"),
                *("--pull=never", "--iidfile", image_id, "--file", containerfile, context),
            ],
        )
        built = image_id.read_text().strip().removeprefix("sha256:")
        run_tool(
            [
                *("skopeo", "copy", "--quiet", "--dest-oci-accept-uncompressed-layers"),
                *(f"{store}@{built}", f"oci:{out}"),
            ]
        )
        run_tool([*buildah, "rmi", "--all", "--force"])
