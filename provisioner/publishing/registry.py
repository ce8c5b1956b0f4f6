"""Pushes built images into a registry by digest, and starts one where there is none yet."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import requests

from provisioner.errors import BuildFailed, Unavailable
from provisioner.publishing.built_image import BuiltImage
from provisioner.publishing.tool import ToolFailed, run_tool

NAMESPACE = "taarafo"
REGISTRY_UID = 10004
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LOADER = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


def repository_of(name: str) -> str:
    """`taarafo/<name>`: where an image lives in a registry."""
    return f"{NAMESPACE}/{name}"


def push_image(built: BuiltImage, registry: str) -> str:
    """Push unchanged bytes without a tag; returns `registry/repository@sha256:…`.

    What the registry then holds is read back. Raises Unavailable, or BuildFailed when the bytes
    differ. An image that is there already is not sent again.
    """
    reference = f"{registry}/{repository_of(built.name)}@{built.digest}"
    if not is_answering(registry):
        raise Unavailable(f"no registry at {registry}", part="the registry")
    try:
        run_tool(
            [
                *("skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"),
                *(f"oci:{built.layout}", f"docker://{reference}"),
            ]
        )
    except ToolFailed as error:
        raise Unavailable(str(error), part="the registry") from error
    held = _get_manifest(registry, repository_of(built.name), built.digest)
    if "sha256:" + hashlib.sha256(held).hexdigest() != built.digest:
        raise BuildFailed(f"{registry} holds other bytes for {reference}", image=built.name)
    return reference


def is_answering(registry: str) -> bool:
    """Whether a registry answers at this address."""
    try:
        return _get(registry, "").ok
    except requests.RequestException:
        return False


def load_image(built: BuiltImage, docker_host: str, reference: str) -> None:
    """Have an engine pull this reference, so that it runs without the registry. Idempotent."""
    docker = ["docker", "--host", docker_host]
    try:
        run_tool([*docker, "image", "inspect", reference])
    except ToolFailed:
        try:
            run_tool([*docker, "pull", "--quiet", reference])
        except ToolFailed as error:
            raise Unavailable(str(error), part=f"the image {built.name}") from error


@contextmanager
def temporary_registry(built: BuiltImage, registry: str, storage: Path) -> Iterator[None]:
    """Answer at `registry` from `storage` with the registry image's own program, without Docker.

    Where a registry answers already, that one is used. This is how the registry gets itself into
    the engine: see docs/decisions/the-first-registry.md.
    """
    if is_answering(registry):
        yield
        return
    with TemporaryDirectory(prefix="registry-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        _unpack(built, root)
        storage.mkdir(parents=True, exist_ok=True)
        shutil.chown(storage, REGISTRY_UID, REGISTRY_UID)
        log = root / "log"
        with log.open("wb") as output, _start(root, registry, storage, output) as program:
            try:
                _await_answer(registry, program, log)
                yield
            finally:
                program.terminate()


def _start(root: Path, registry: str, storage: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
    """The registry's program with its own loader, so that any host can run it, as its own user."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    program = (root / _LOADER, "--library-path", libraries, root / "usr/bin/docker-registry")
    return subprocess.Popen(
        [*program, "serve", root / "etc/docker/registry/config.yml"],
        env={
            "REGISTRY_HTTP_ADDR": registry,
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": ".",
        },
        cwd=storage,  # entered before the rights to the folders above it are given up
        user=REGISTRY_UID,
        group=REGISTRY_UID,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def _unpack(built: BuiltImage, root: Path) -> None:
    for layer in built.layers:
        with tarfile.open(built.blob(layer)) as archive:
            archive.extractall(root, filter="tar")


def _await_answer(registry: str, program: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        if is_answering(registry):
            return
        if program.poll() is not None:
            break
        time.sleep(0.1)
    raise Unavailable(log.read_text(errors="replace")[-2000:], part="the registry")


def _get_manifest(registry: str, repository: str, digest: str) -> bytes:
    try:
        answer = _get(registry, f"{repository}/manifests/{digest}")
        answer.raise_for_status()
    except requests.RequestException as error:
        raise Unavailable(str(error), part="the registry") from error
    return answer.content


def _get(registry: str, path: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # never through a proxy: it is on this machine
        return session.get(
            f"http://{registry}/v2/{path}", headers={"Accept": _MANIFEST}, timeout=10
        )
