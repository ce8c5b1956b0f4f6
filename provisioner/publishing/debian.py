"""Debian's signed package archive, read through a private view that mmdebstrap makes.

The view has its own sources and trusts only Debian's own keyring, so that it is the same on any
Debian or Ubuntu host and never changes that host's package lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.publishing.packages import Input, read_offers
from provisioner.publishing.tool import run_tool

SUITE = "bookworm"
ARCHITECTURE = "amd64"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class DebianArchive:
    """An open view of the archive."""

    def __init__(self, config: Path) -> None:
        self._environment = {"APT_CONFIG": str(config)}

    def offers(self, names: Iterable[str]) -> dict[str, list[Input]]:
        """Versions of these packages, newest first."""
        shown = run_tool(["apt-cache", "show", *names], environment=self._environment)
        return read_offers(shown.decode())

    def download(self, packages: Sequence[Input], into: Path) -> None:
        """Fetch these versions into a folder; apt checks them against the signed index."""
        wanted = [f"{package.name}={package.version}" for package in packages]
        run_tool(["apt-get", "download", *wanted], environment=self._environment, folder=into)


@contextmanager
def open_archive(scratch: Path) -> Iterator[DebianArchive]:
    """A fresh view of the archive in a folder below `scratch`, removed afterwards."""
    with TemporaryDirectory(dir=scratch, prefix="archive-") as folder:
        root = Path(folder) / "root"
        run_tool(
            [
                *("mmdebstrap", "--quiet", "--variant=custom", "--format=directory"),
                *("--skip=cleanup", f"--architectures={ARCHITECTURE}", f"--keyring={KEYRING}"),
                *(SUITE, root),
            ],
            environment={"SOURCE_DATE_EPOCH": "0"},
        )
        config = Path(folder) / "apt.conf"
        config.write_text(_config(root) + _host_acquire())
        yield DebianArchive(config)


def _config(root: Path) -> str:
    return "".join(
        f'{name} "{value}";\n'
        for name, value in {
            "Dir": root,
            "Dir::Etc::Trusted": KEYRING,
            "Dir::State::Status": root / "var/lib/dpkg/status",
            "APT::Architecture": ARCHITECTURE,
            "APT::Sandbox::User": "root",
        }.items()
    )


def _host_acquire() -> str:
    """How this host reaches the network (proxies, timeouts), without its hooks and sources."""
    shown = run_tool(["apt-config", "dump", "--no-empty", "Acquire"]).decode()
    return "".join(
        line + "\n"
        for line in shown.splitlines()
        if re.match(r"Acquire::(http|https|ftp|Retries)\b", line)
    )
