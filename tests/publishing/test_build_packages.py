"""Locked Debian packages: what is taken when the archive has moved on."""

from __future__ import annotations

import pytest

from provisioner.publishing.packages import Input, choose, read_lock, read_offers, write_lock

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
LOCKED = (Input("libc6", "2.36-9", A), Input("redis-server", "5:7.0.15-1~deb12u10", B))


def test_a_lock_reads_back_as_it_was_written() -> None:
    text = write_lock(reversed(LOCKED))
    assert text == f"libc6 2.36-9 {A}\nredis-server 5:7.0.15-1~deb12u10 {B}\n"
    assert read_lock(text) == LOCKED


@pytest.mark.parametrize(
    "line", ["libc6 2.36-9", f"libc6 2.36-9 {A[:-1]}", f"../x 1 {A}", f"libc6 1;rm {A}", ""]
)
def test_a_line_that_pins_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a locked package"):
        read_lock(line + "\n")


def test_the_locked_version_is_taken_while_it_is_offered() -> None:
    newer = Input("libc6", "2.36-10", C)
    choice = choose(LOCKED, {"libc6": [newer, LOCKED[0]], "redis-server": [LOCKED[1]]})
    assert choice.packages == LOCKED
    assert choice.replaced == ()


def test_a_replaced_version_is_named_with_what_replaced_it() -> None:
    newer = Input("libc6", "2.36-10", C)
    choice = choose(LOCKED, {"libc6": [newer], "redis-server": [LOCKED[1]]})
    assert choice.packages == (newer, LOCKED[1])
    assert choice.replaced == ((LOCKED[0], newer),)


def test_other_bytes_under_a_locked_version_are_never_taken() -> None:
    forged = LOCKED[0]._replace(sha256=C)
    with pytest.raises(ValueError, match="other bytes"):
        choose(LOCKED, {"libc6": [forged], "redis-server": [LOCKED[1]]})


def test_a_package_that_is_gone_stops_the_build() -> None:
    with pytest.raises(ValueError, match="no package redis-server"):
        choose(LOCKED, {"libc6": [LOCKED[0]]})


def test_offers_keep_the_index_order_and_skip_what_is_incomplete() -> None:
    index = (
        f"Package: libc6\nVersion: 2\nSHA256: {A}\nDescription: x\n SHA256: {C}\n\n"
        f"Package: libc6\nVersion: 1\nSHA256: {B}\n\n"
        "Package: virtual\nVersion: 1\n"
    )
    assert read_offers(index) == {"libc6": [Input("libc6", "2", A), Input("libc6", "1", B)]}
