"""A version that waits for its turn is not reported beside the one that serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.agent.containers import Running
from provisioner.agent.waiting import leave_out_waiting

OLD, NEW = "a" * 64, "b" * 64


def make_container(proc: Path, identity: str, pid: int, **labels: str) -> Running:
    """A process whose root has the door of a community, as the kernel would show it."""
    process = proc / str(pid)
    (process / "root/run/edge").mkdir(parents=True)
    (process / "cgroup").write_text(f"0::/docker/{identity}\n")
    (process / "mountinfo").write_text("")
    told = {"host": "smith.localhost", "community": "c", "service": "app"} | labels
    return Running(
        id=identity,
        pid=pid,
        started="then",
        image="",
        image_id="",
        labels={f"org.taarafo.{name}": value for name, value in told.items()},
        command=(),
        environment=(),
        settings=(),
    )


def say(proc: Path, container: Running, word: str) -> None:
    (proc / str(container.pid) / "root/run/edge" / word).touch()


@pytest.mark.parametrize("word", ["wait", "ready"])
def test_the_one_that_waits_is_left_out_until_it_is_alone(tmp_path: Path, word: str) -> None:
    old, new = make_container(tmp_path, OLD, 7), make_container(tmp_path, NEW, 8)
    say(tmp_path, new, word)
    assert leave_out_waiting(tmp_path, [new, old]) == [old]
    assert leave_out_waiting(tmp_path, [new]) == [new], "nobody else is there to be reported"


def test_two_that_do_not_wait_are_both_reported(tmp_path: Path) -> None:
    old, new = make_container(tmp_path, OLD, 7), make_container(tmp_path, NEW, 8)
    say(tmp_path, new, "begin")
    assert leave_out_waiting(tmp_path, [old, new]) == [old, new]


def test_nobody_hides_by_waiting_beside_one_that_waits(tmp_path: Path) -> None:
    both = [make_container(tmp_path, OLD, 7), make_container(tmp_path, NEW, 8)]
    for each in both:
        say(tmp_path, each, "ready")
    assert leave_out_waiting(tmp_path, both) == both


@pytest.mark.parametrize("other", [{"host": "jones.localhost"}, {"service": "mail"}])
def test_one_in_another_place_is_no_pair(tmp_path: Path, other: dict[str, str]) -> None:
    one, two = make_container(tmp_path, OLD, 7), make_container(tmp_path, NEW, 8, **other)
    say(tmp_path, two, "ready")
    assert leave_out_waiting(tmp_path, [one, two]) == [one, two]


def test_one_that_has_gone_meanwhile_is_left_to_whoever_measures_it(tmp_path: Path) -> None:
    one = make_container(tmp_path, OLD, 7)
    gone = make_container(tmp_path / "elsewhere", NEW, 8)
    assert leave_out_waiting(tmp_path, [one, gone]) == [one, gone]
