"""A project with one tiny app: everything real, and its image is built in a second."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from provisioner.publishing.cellar import Cellar

needs_buildah = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("buildah", "skopeo", "dpkg-deb"))),
    reason="building needs root, buildah, skopeo and dpkg-deb",
)
RECIPE = """
name = "tiny"
version = "1.0.0"
title = "Tiny"
service = { image = "tiny", configs = { "tiny.toml.j2" = "/etc/tiny.toml" } }
assets = { "/static" = "/srv/app/static" }
"""
CONTAINERFILE = """FROM base
COPY app /srv/app
USER 10100:10100
ENTRYPOINT ["/srv/app/run"]
"""
BASE = """FROM scratch
ADD rootfs.tar /
USER 65534:65534
"""


def make_project(folder: Path, cellar: Cellar) -> Path:
    """An app on a base image of one Debian package, which lies in the cellar already."""
    deb = folder / "hello.deb"
    folder.mkdir(parents=True)
    write_deb(deb, "hello", "1:2.0+b1~x", "all", {"./usr/bin/hello": b"#!/bin/sh\n"})
    sha256 = cellar.keep(deb)
    files = {
        "templates/tiny/recipe.toml": RECIPE,
        "templates/tiny/tiny.toml.j2": "name = {{ community.name | tojson }}\n",
        "images/base/image.toml": 'folders = ["data"]\n',
        "images/base/Containerfile": BASE,
        "images/base/packages.lock": f"hello 1:2.0+b1~x {sha256}\n",
        "images/tiny/image.toml": 'base = "base"\nsources = { app = "images/tiny/app" }\n',
        "images/tiny/Containerfile": CONTAINERFILE,
        "images/tiny/app/run": "#!/bin/sh\necho hello\n",
        "images/tiny/app/static/style.css": "body { margin: 0 }\n",
        "images/tiny/app/words.txt": "good day\n",
        "provisioner/note.txt": "stands for the code that builds\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "images/tiny/app/run").chmod(0o755)
    return folder


def write_deb(
    path: Path, name: str, version: str, architecture: str, files: dict[str, bytes]
) -> None:
    """A real Debian package, as deb(5) has it."""
    fields = (
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        "Maintainer: Ann <ann@example.org>\nDescription: a greeting\n and more: of it\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": _tar({"./control": fields.encode()}),
        "data.tar.xz": _tar(files),
    }
    path.write_bytes(b"!<arch>\n" + b"".join(_member(*each) for each in members.items()))


def _member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
    return header.encode() + content + b"\n" * (len(content) % 2)


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()
