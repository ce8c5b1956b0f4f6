"""Who is in a container and who came in, with real namespaces and processes of this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.agent.hashes import Recall
from provisioner.agent.members import Members, Visitor, find_adopted, find_keeper, find_members
from provisioner.agent.processes import Vanished, read_link, read_status
from provisioner.agent.programs import Programs, read_links, read_programs
from tests.agent.test_processes import NOBODYS, PROC, running

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")
NOBODY = 2**22 + 1  # beyond every process number
CLONE_NEWPID = 0x20000000
# As the engine's keeper does: it has the first process in namespaces of its own, and starts more
# in them when it is told to.
KEEPER = f"""
import ctypes, subprocess, sys
assert ctypes.CDLL(None).unshare({CLONE_NEWPID}) == 0
inside = "echo ready; while read -r line; do eval \\"$line\\"; done"
first = subprocess.Popen(["unshare", "-m", "sh", "-c", inside], stdin=subprocess.PIPE, text=True)
for line in sys.stdin:
    where, _, what = line.rstrip().partition(" ")
    if where == "inside":
        print(what, file=first.stdin, flush=True)
    else:
        subprocess.Popen(["nsenter", "-t", where, "-m", "sh", "-c", what])
"""


class Container:
    """Namespaces with a first process, which is a child of the keeper, as with the engine."""

    def __init__(self, keeper: subprocess.Popen[str]) -> None:
        self.keeper = keeper
        assert keeper.stdout
        assert keeper.stdout.readline() == "ready\n"
        children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text()
        (self.first,) = map(int, children.split())

    def tell(self, where: object, what: str) -> None:
        assert self.keeper.stdin
        print(where, what, file=self.keeper.stdin, flush=True)

    def members(self) -> Members:
        return find_members(PROC, self.first, NOBODYS)

    def programs(self) -> dict[str, bool]:
        """Name of each program → whether one that runs it came in."""
        return {Path(path).name: entered for path, entered in read_links(self.members())[0]}

    def visitors(self) -> set[Visitor]:
        return read_links(self.members())[1]

    def adopted(self) -> set[Visitor]:
        return find_adopted(PROC, self.first, NOBODYS, self.keeper.pid)


@pytest.fixture
def container() -> Iterator[Container]:
    with running(sys.executable, "-c", KEEPER) as keeper:
        container = Container(keeper)
        yield container
        os.kill(container.first, 9)


@contextmanager
def alone(process: subprocess.Popen[str]) -> Iterator[Members]:
    """A process of this machine as the only member of something."""
    whole = find_members(PROC, process.pid, NOBODYS)
    yield replace(whole, pids=(process.pid,))


def await_that(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def await_program(pid: int, name: str) -> None:
    """A child is the parent's own program until it has become another."""
    await_that(lambda: Path(f"/proc/{pid}/exe").readlink().name == name)


def count_read() -> int:
    """Bytes that this process has read so far, as the kernel counts them."""
    return int(Path("/proc/self/io").read_text().split()[1])


# -- what runs ----------------------------------------------------------------------------------


def test_a_process_is_told_by_what_it_really_runs() -> None:
    with running("cat") as cat:
        await_program(cat.pid, "cat")
        with alone(cat) as members:
            (seen,), visitors = read_programs(members, Programs())
    program = Path(shutil.which("cat") or "").resolve()
    assert seen.program == str(program)
    assert seen.program_sha256 == hashlib.sha256(program.read_bytes()).hexdigest()
    assert seen.arguments_sha256 == hashlib.sha256(b"cat\0").hexdigest()
    assert (seen.entered, seen.count) == (False, 1)
    assert visitors == set()


def test_a_process_that_is_just_becoming_another_program_is_told_whole() -> None:
    """A start is reported while the kernel is still at it: its arguments come after its program."""
    wanted = hashlib.sha256(b"cat\0").hexdigest()
    told = set()
    for _ in range(100):
        with running("cat") as cat, alone(cat) as members:
            (seen,), _ = read_programs(members, Programs())
            told.add((Path(seen.program).name, seen.arguments_sha256))
    assert told == {("cat", wanted)}


def test_a_program_that_was_replaced_on_disk_is_hashed_as_it_runs(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy(shutil.which("cat") or "", program)
    honest = hashlib.sha256(program.read_bytes()).hexdigest()
    programs = Programs(Recall(tmp_path.stat().st_dev, settled_seconds=0))
    with running(str(program)) as process:
        await_program(process.pid, "program")
        with alone(process) as members:
            read_programs(members, programs)
            program.unlink()
            program.write_text("#!/bin/sh\n")
            (seen,), _ = read_programs(members, programs)
    assert seen.program == f"{program} (deleted)"
    assert seen.program_sha256 == honest


def test_a_program_that_runs_often_is_read_once(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(os.urandom(1_000_000))
    honest = hashlib.sha256(program.read_bytes()).hexdigest()
    programs = Programs(Recall(tmp_path.stat().st_dev, settled_seconds=0))
    before = count_read()
    for _ in range(3):
        assert programs.hash(os.open(program, os.O_RDONLY)) == honest
    assert count_read() - before < 2_000_000
    with program.open("ab") as file:
        file.write(b"more")
    assert programs.hash(os.open(program, os.O_RDONLY)) != honest


def test_what_has_ended_is_left_out() -> None:
    """Also while nobody has waited for it: it has lost its namespaces, and is no visitor."""
    with running("cat") as cat, alone(cat) as members:
        await_program(cat.pid, "cat")
        cat.kill()
        await_that(lambda: not find_program(cat.pid))
        assert read_programs(members, Programs()) == ((), set())
        assert read_links(members) == ([], set())
        assert list(members.visit(read_status)) == []


def find_program(pid: int) -> str:
    folder = os.open(f"/proc/{pid}", os.O_RDONLY)
    try:
        return read_link(folder, "exe")
    finally:
        os.close(folder)


# -- who is inside ------------------------------------------------------------------------------


@needs_root
def test_members_are_found_by_their_namespaces(container: Container) -> None:
    container.tell("inside", "sleep 60 &")
    await_that(lambda: "sleep" in container.programs())
    members = container.members()
    assert container.first in members.pids
    assert {os.getpid(), container.keeper.pid}.isdisjoint(members.pids)
    assert not any(container.programs().values())
    assert container.visitors() == set()


@needs_root
def test_who_came_in_from_outside_is_told_from_who_was_born_inside(container: Container) -> None:
    container.tell("inside", "sleep 60 &")
    container.tell(container.first, "exec cat /dev/zero > /dev/null")
    await_that(lambda: container.programs().get("cat") is True)
    await_that(lambda: container.programs().get("sleep") is False)
    (visitor,) = container.visitors()
    assert find_program(visitor.pid).endswith("/cat")
    seen, visitors = read_programs(container.members(), Programs())
    assert visitors == {visitor}
    assert [each.entered for each in seen if each.program.endswith("/cat")] == [True]


@needs_root
def test_a_process_that_moved_to_another_mount_namespace_counts_as_one_who_came_in(
    container: Container,
) -> None:
    container.tell("inside", "unshare -m sleep 60 &")
    await_that(lambda: container.programs().get("sleep") is True)


@needs_root
def test_a_parent_that_began_after_the_list_was_made_is_inside_too(container: Container) -> None:
    """The list of processes is not of one moment: a child may be in it without its parent."""
    container.tell("inside", "sh -c 'sleep 60 & wait' &")
    await_that(lambda: "sleep" in container.programs())
    members = container.members()
    child = next(pid for pid in members.pids if find_program(pid).endswith("/sleep"))
    assert read_links(replace(members, pids=(child,)))[1] == set()


@needs_root
def test_orphans_that_were_born_inside_never_become_visitors(container: Container) -> None:
    container.tell("inside", "while :; do (sleep 0.01 & (:) & ); done &")
    met: set[Visitor] = set()
    looks, until = 0, time.monotonic() + 1.5
    while time.monotonic() < until:
        met |= container.visitors()
        looks += 1
    assert looks > 10
    assert met == set()


@needs_root
def test_whoever_the_keeper_starts_is_met_without_a_look_at_all_processes(
    container: Container,
) -> None:
    assert find_keeper(PROC, container.first) == container.keeper.pid
    assert container.adopted() == set()
    container.tell("inside", "sleep 60 &")
    container.tell(container.first, "exec cat /dev/zero > /dev/null")
    await_that(lambda: len(container.adopted()) == 1)
    assert container.adopted() == container.visitors()


@needs_root
def test_other_children_of_a_keeper_are_no_visitors(container: Container) -> None:
    """Such as the programs with which the engine starts and stops things."""
    with running("sleep", "60"):
        assert find_adopted(PROC, container.first, NOBODYS, os.getpid()) == set()


def test_a_keeper_that_is_gone_has_nobody() -> None:
    assert find_adopted(PROC, os.getpid(), NOBODYS, NOBODY) == set()


def test_the_first_process_must_be_there() -> None:
    with pytest.raises(Vanished):
        find_members(PROC, NOBODY, NOBODYS)
