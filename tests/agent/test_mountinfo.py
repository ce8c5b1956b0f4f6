"""mountinfo as the kernel writes it, with every name a mount point can have."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provisioner.agent.mountinfo import read_mountinfo
from provisioner.models.evidence import MountSeen


def test_the_kernels_own_list_is_read() -> None:
    mounts = read_mountinfo(Path("/proc/self/mountinfo").read_bytes())
    assert any(mount.path == "/" for mount in mounts)
    assert any(mount.path == "/proc" and mount.kind == "proc" for mount in mounts)


def test_optional_fields_and_options_are_told_apart() -> None:
    line = b"82 52 0:39 /a /b ro,relatime master:4 shared:1 - overlay overlay rw,lowerdir=/ - x\n"
    assert read_mountinfo(line) == [MountSeen("/b", "overlay", "/a", True)]
    writable = b"82 52 0:39 / / rw,errors=ro - ext4 /dev/vda ro\n"
    assert read_mountinfo(writable) == [MountSeen("/", "ext4", "/", False)]


def escape(raw: bytes) -> bytes:
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in raw)


@given(st.binary(max_size=20).filter(lambda raw: b"\0" not in raw))
@example(b"\r")
def test_any_name_is_read_back(raw: bytes) -> None:
    line = b"1 2 0:3 / /" + escape(raw) + b" ro - tmpfs tmpfs rw\n"
    (mount,) = read_mountinfo(line)
    assert mount.path.encode("utf-8", "surrogateescape") == b"/" + raw


@pytest.mark.parametrize("line", [b"x", b"1 2 3 4 5 6", b"1 2 3 4 - tmpfs", b" - "])
def test_half_a_line_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="mountinfo"):
        read_mountinfo(line)


@given(st.binary(max_size=60))
def test_other_bytes_raise_nothing_but_value_errors(raw: bytes) -> None:
    try:
        read_mountinfo(raw)
    except ValueError:
        return
