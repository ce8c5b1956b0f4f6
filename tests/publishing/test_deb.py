"""Control fields of Debian packages, read without Debian's programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.publishing.deb import read_fields
from tests.publishing.tiny import write_deb


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    write_deb(tmp_path / "a.deb", "hello", "1:2.0+b1~x", "all", {"./usr/bin/hello": b"x"})
    return tmp_path / "a.deb"


def test_the_fields_are_read(deb: Path) -> None:
    fields = read_fields(deb)
    assert fields["Package"] == "hello"
    assert fields["Version"] == "1:2.0+b1~x"
    assert fields["Architecture"] == "all"
    assert fields["Description"] == "a greeting"
    assert " and more" not in fields


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="there is no dpkg-deb here")
def test_it_is_what_debians_own_program_says(deb: Path) -> None:
    for field, value in read_fields(deb).items():
        asked = subprocess.run(["dpkg-deb", "--field", deb, field], capture_output=True, check=True)
        assert asked.stdout.decode().splitlines()[0] == value


@pytest.mark.parametrize("size", [0, 5, 8, 60, 100, 140, 180, 250, 330, 399])
def test_a_cut_package_is_none(deb: Path, size: int) -> None:
    deb.write_bytes(deb.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"\w"):
        read_fields(deb)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 450), bit=st.integers(0, 7))
def test_a_flipped_bit_is_read_or_a_value_error(deb: Path, place: int, bit: int) -> None:
    content = bytearray(deb.read_bytes())
    content[place % len(content)] ^= 1 << bit
    (flipped := deb.with_suffix(".flipped")).write_bytes(content)
    try:
        read_fields(flipped)
    except ValueError:
        return


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_strangers_bytes_are_no_package(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.deb").write_bytes(b"!<arch>\n" + content)
    with pytest.raises(ValueError, match=r"\w"):
        read_fields(tmp_path / "b.deb")
