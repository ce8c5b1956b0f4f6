"""Root file systems from Debian packages, made here with Debian's own tool."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from provisioner.publishing.rootfs import is_left_out, merged, write_rootfs


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    for folder in ("DEBIAN", "bin", "lib/x86", "usr/share/doc/thing", "usr/share/man", "etc"):
        (root / folder).mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: thing\nVersion: 1.0\nArchitecture: all\nMaintainer: X <x@example.org>\n"
        "Description: a thing\n"
    )
    (root / "bin/thing").write_text("#!/bin/sh\n")
    (root / "bin/thing").chmod(0o4755)
    (root / "bin/again").hardlink_to(root / "bin/thing")
    (root / "lib/x86/libthing.so.1").write_bytes(b"elf")
    (root / "lib/x86/libthing.so").symlink_to("libthing.so.1")
    (root / "usr/share/doc/thing/copyright").write_text("free")
    (root / "usr/share/doc/thing/README").write_text("long")
    (root / "usr/share/man/thing.1").write_text("long")
    (root / "etc/hosts").write_text("10.0.0.1 elsewhere\n")
    for name in ("a.crt", "b.crt"):
        path = root / "usr/share/ca-certificates/mozilla" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name + "\n")
    deb = tmp_path / "thing.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", root, deb], check=True, capture_output=True
    )
    return deb


@pytest.fixture
def members(deb: Path, tmp_path: Path) -> dict[str, tarfile.TarInfo]:
    write_rootfs([deb], ["run/gateway", "/data"], tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        return {member.name: member for member in archive}


def test_files_lie_below_usr_and_links_lead_there(members: dict[str, tarfile.TarInfo]) -> None:
    assert "usr/bin/thing" in members
    assert members["bin"].linkname == "usr/bin"
    assert members["usr/lib/x86/libthing.so"].linkname == "libthing.so.1"
    assert members["lib64"].linkname == "usr/lib64"
    assert not any(name.startswith(("bin/", "lib/")) for name in members)


def test_nothing_gains_another_users_rights(members: dict[str, tarfile.TarInfo]) -> None:
    assert members["usr/bin/thing"].mode == 0o755
    files = [member for member in members.values() if not member.isdir()]
    assert not [member.name for member in files if member.mode & 0o6000]


def test_hard_links_follow_what_they_link_to(members: dict[str, tarfile.TarInfo]) -> None:
    names = list(members)
    link = next(name for name in ("usr/bin/thing", "usr/bin/again") if members[name].islnk())
    assert names.index(link) > names.index(members[link].linkname)


def test_manuals_stay_out_and_licences_stay_in(members: dict[str, tarfile.TarInfo]) -> None:
    assert "usr/share/doc/thing/copyright" in members
    assert "usr/share/doc/thing/README" not in members
    assert "usr/share/man/thing.1" not in members
    assert "var/lib/dpkg/status.d/thing" in members


def test_every_place_the_engine_mounts_on_is_there(members: dict[str, tarfile.TarInfo]) -> None:
    for folder in ("proc", "sys", "dev", "run/secrets", "run/gateway", "data"):
        assert members[folder].isdir()
    assert members["tmp"].mode == 0o1777
    assert members["etc/hosts"].size == 0
    assert members["etc/mtab"].linkname == "/proc/mounts"


def test_authorities_are_bundled_in_order(deb: Path, tmp_path: Path) -> None:
    write_rootfs([deb], [], tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        bundle = archive.extractfile("etc/ssl/certs/ca-certificates.crt")
        assert bundle is not None
        assert bundle.read() == b"a.crt\nb.crt\n"


def test_the_same_packages_give_the_same_bytes(deb: Path, tmp_path: Path) -> None:
    write_rootfs([deb], ["data"], tmp_path / "one.tar")
    write_rootfs([deb], ["data"], tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_paths_are_merged_and_left_out_by_name() -> None:
    assert merged("./") == ""
    assert merged("./lib64/ld.so") == "usr/lib64/ld.so"
    assert merged("./libexec/x") == "libexec/x"
    assert is_left_out("usr/share/locale/de/LC_MESSAGES/x.mo")
    assert not is_left_out("usr/share/zoneinfo/Europe/Berlin")
