"""What a container was started with: told by hashes, and never more than whoever looks can bear."""

from __future__ import annotations

import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.agent.environment import describe_environment
from provisioner.agent.processes import Vanished, open_process
from provisioner.agent.programs import Programs
from provisioner.models.evidence import TOO_LARGE, TOO_MANY, hash_value


@contextmanager
def started_with(variables: dict[str, str]) -> Iterator[int]:
    """The open folder in /proc of a process with these variables."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["/bin/cat"], env=variables, stdin=pipe, stdout=pipe, bufsize=0
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"!")
        assert process.stdout.read(1) == b"!"  # it has become the program by now
        with open_process(Path("/proc"), process.pid) as folder:
            yield folder
        process.terminate()


def test_each_variable_is_told_by_the_hash_of_its_value() -> None:
    with started_with({"KIND": "little", "EMPTY": ""}) as first:
        seen = describe_environment(first, ("LANG=C", "KIND=other", "no pair"))
    assert seen == {name: hash_value(v) for name, v in
                    {"LANG": "C", "KIND": "little", "EMPTY": ""}.items()}  # fmt: skip


@pytest.mark.parametrize(
    "variables",
    [{f"v{number}": "" for number in range(60_000)}, {"n" * 100_000: "x"}],
    ids=["very many", "a very long name"],
)
def test_what_is_too_much_is_one_name_that_no_release_has(variables: dict[str, str]) -> None:
    with started_with(variables) as first:
        tracemalloc.start()
        seen = describe_environment(first, ())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert seen[TOO_MANY] == hash_value("")
    assert len(seen) <= 1001
    assert peak < 16 << 20


def test_a_process_that_is_gone_has_none() -> None:
    with started_with({}) as first:
        pass
    with pytest.raises(Vanished):
        describe_environment(first, ())


def test_programs_that_are_endless_do_not_keep_the_agent(tmp_path: Path) -> None:
    """Several large programs share what may be read; what does not fit is said to be too large."""
    paths = [tmp_path / name for name in ("one", "two", "three")]
    for path in paths:
        with path.open("wb") as file:
            os.truncate(file.fileno(), 3 << 20)
    programs = Programs(left=7 << 20)
    seen = [programs.hash(os.open(path, os.O_RDONLY)) for path in paths]
    assert [each == TOO_LARGE for each in seen] == [False, False, True]
