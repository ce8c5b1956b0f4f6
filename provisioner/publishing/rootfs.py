"""Lays Debian packages out as one root file system, as a tar that is the same every time.

Files are taken as the packages ship them; no maintainer script runs. `/bin`, `/sbin` and `/lib*`
are links into `/usr` as on any current Debian. Manuals, translations and boot scripts stay out;
licences stay in. Set-user-id bits are dropped: nothing in our images needs them.
"""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from provisioner.publishing.tool import run_tool

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_FOLDERS = {"dev": 0o755, "etc": 0o755, "proc": 0o555, "run": 0o755, "run/secrets": 0o755} | {
    "srv": 0o755,
    "sys": 0o555,
    "tmp": 0o1777,
    "usr": 0o755,
    "var": 0o755,
    "var/tmp": 0o1777,
}
_LINKS = {"etc/mtab": "/proc/mounts"} | {name: f"usr/{name}" for name in (*_MERGED[:3], "lib64")}
_LEFT_OUT = (
    "usr/share/man/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/lintian/*",
    "usr/share/base-files/*",
    "usr/sbin/update-ca-certificates",
    "etc/update-motd.d*",
    "usr/share/bug/*",
    "usr/share/zoneinfo/posix/*",
    "usr/share/zoneinfo/right/*",
    "usr/lib/systemd/*",
    "usr/lib/x86_64-linux-gnu/gconv/*",
    "usr/lib/python3.11/lib2to3/*",
    "usr/lib/python3.11/pydoc_data/*",
    "usr/lib/python3.11/__pycache__/*",
    "etc/cron*",
    "etc/init.d*",
    "etc/default*",
    "etc/logrotate.d*",
    "etc/ufw*",
)
_AUTHORITIES = "usr/share/ca-certificates/mozilla/"
_DOCS = "usr/share/doc/*"
_USERS = {"root": 0, "control": 10001, "edge": 10002, "queue": 10003, "registry": 10004} | {
    "app": 10100,
    "nobody": 65534,
}


@dataclass
class Rootfs:
    """Members by path, without a leading slash; later packages win."""

    members: dict[str, tuple[tarfile.TarInfo, bytes]] = field(default_factory=dict)

    def add_package(self, deb: Path) -> None:
        """Add the files of one Debian package, and its control fields for scanners."""
        content = run_tool(["dpkg-deb", "--fsys-tarfile", deb])
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                self._add(archive, member)
        fields = run_tool(["dpkg-deb", "--field", deb])
        name = run_tool(["dpkg-deb", "--field", deb, "Package"]).decode().strip()
        self.add_file(f"var/lib/dpkg/status.d/{name}", fields)

    def add_file(self, path: str, content: bytes) -> None:
        member = _member(path, tarfile.REGTYPE, 0o644)
        member.size = len(content)
        self.members[path] = (member, content)

    def add_folder(self, path: str, mode: int) -> None:
        self.members[path] = (_member(path, tarfile.DIRTYPE, mode), b"")

    def add_link(self, path: str, target: str) -> None:
        member = _member(path, tarfile.SYMTYPE, 0o777)
        member.linkname = target
        self.members[path] = (member, b"")

    def bundle_authorities(self) -> None:
        """One file of certificate authorities, as Debian's update-ca-certificates makes it."""
        single = sorted(path for path in self.members if path.startswith(_AUTHORITIES))
        content = b"".join(self.members.pop(path)[1] for path in single)
        if content:
            self.add_file("etc/ssl/certs/ca-certificates.crt", content)
            self.add_link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")

    def write(self, out: Path) -> None:
        """Write all members sorted by path, every folder before what is in it."""
        self._complete()
        with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as archive:
            hard = [path for path, (member, _) in self.members.items() if member.islnk()]
            for path in sorted(self.members.keys() - hard) + sorted(hard):
                member, content = self.members[path]
                archive.addfile(member, io.BytesIO(content))

    def _add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = merged(member.name)
        if not path or is_left_out(path) or path in _LINKS:
            return
        kept = _member(path, member.type, member.mode)
        kept.uid, kept.gid, kept.size = member.uid, member.gid, member.size
        kept.linkname = merged(member.linkname) if member.islnk() else member.linkname
        if member.isreg() or member.islnk():
            kept.mode &= ~(stat.S_ISUID | stat.S_ISGID)
        source = archive.extractfile(member) if member.isreg() else None
        self.members[path] = (kept, source.read() if source else b"")

    def _complete(self) -> None:
        for path, mode in _FOLDERS.items():
            self.add_folder(path, mode)
        for path, target in _LINKS.items():
            self.add_link(path, target)
        for path in sorted(self.members):
            for parent in Path(path).parents:
                if str(parent) != "." and str(parent) not in self.members:
                    self.add_folder(str(parent), 0o755)


def write_rootfs(debs: Sequence[Path], folders: Iterable[str], out: Path) -> None:
    """The root file system of these packages plus empty folders to mount on."""
    rootfs = Rootfs()
    for deb in debs:
        rootfs.add_package(deb)
    for name in ("hosts", "hostname", "resolv.conf"):
        rootfs.add_file(f"etc/{name}", b"")
    users = [f"{name}:x:{uid}:{uid}::/tmp:/usr/sbin/nologin\n" for name, uid in _USERS.items()]
    rootfs.add_file("etc/passwd", "".join(users).encode())
    groups = [f"{name}:x:{uid}:\n" for name, uid in _USERS.items()]
    rootfs.add_file("etc/group", "".join(groups).encode())
    for folder in folders:
        rootfs.add_folder(folder.strip("/"), 0o755)
    rootfs.bundle_authorities()
    rootfs.write(out)


def merged(name: str) -> str:
    """A package's path below `/usr` where Debian has merged it: `./bin/sh` → `usr/bin/sh`."""
    path = name.removeprefix("./").removeprefix("/").rstrip("/")
    path = "" if path == "." else path
    return f"usr/{path}" if path.split("/")[0] in _MERGED else path


def is_left_out(path: str) -> bool:
    """Whether an image does without this file."""
    if fnmatchcase(path, _DOCS):
        return not path.endswith("/copyright")
    return any(fnmatchcase(path, pattern) for pattern in _LEFT_OUT)


def _member(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.mtime = kind, mode, 0
    return member
