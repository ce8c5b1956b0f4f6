"""A new key on request: stated by the old one, which counts until the new one is published."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.agent.rotate import (
    ASKED,
    NEXT,
    Signers,
    advance_rotation,
    confirm_rotation,
    is_requested,
    list_rotations,
    open_signers,
    request_rotation,
)
from provisioner.core.appraisal.agents import AgentKey, read_agent
from provisioner.core.appraisal.rotation import follow_rotations
from provisioner.settings import ROOT

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
# Ends the program, as a power cut would, right before the given change of the file system.
DOOMED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from provisioner.agent.rotate import advance_rotation, open_signers

folder, steps, is_listed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "listed"
signers = open_signers(folder)
def watch(event, arguments):
    global steps
    is_change = event in ("os.rename", "os.remove") or (
        event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    if is_change and str(folder) in str(arguments[0]):
        steps -= 1
        if steps < 0:
            os._exit(9)
sys.addaudithook(watch)
advance_rotation(folder, signers, datetime(2026, 5, 1, tzinfo=UTC), lambda key: is_listed)
"""


def tell_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def never(_: AgentKey) -> bool:
    return False


def always(_: AgentKey) -> bool:
    return True


def ask(folder: Path) -> Signers:
    """From the request until the agent has said that it signs with both."""
    request_rotation(folder)
    signers = advance_rotation(folder, open_signers(folder), NOW, never)
    confirm_rotation(folder)
    return signers


def rotate(folder: Path) -> Signers:
    return advance_rotation(folder, ask(folder), NOW, always)


def test_nothing_happens_unasked(tmp_path: Path) -> None:
    signers = open_signers(tmp_path)
    assert advance_rotation(tmp_path, signers, NOW, always) is signers
    assert open_signers(tmp_path).is_same(signers)
    assert signers.waiting is None
    assert list_rotations(tmp_path) == []


def test_a_new_key_is_stated_by_the_old_one_and_waits(tmp_path: Path) -> None:
    old = open_signers(tmp_path).current.public
    signers = ask(tmp_path)
    assert signers.waiting
    assert signers.current.public == old
    assert signers.waiting.public.host_id == old.host_id
    assert follow_rotations([old], list_rotations(tmp_path)) == (signers.waiting.public,)
    assert read_agent((tmp_path / "agent.json").read_bytes()) == old
    assert advance_rotation(tmp_path, signers, NOW, never) is signers
    assert open_signers(tmp_path).is_same(signers), "a restart changes nothing"
    assert (tmp_path / NEXT).stat().st_mode & 0o777 == 0o600


def test_who_asks_twice_gets_one_new_key(tmp_path: Path) -> None:
    signers = ask(tmp_path)
    request_rotation(tmp_path)
    again = advance_rotation(tmp_path, open_signers(tmp_path), NOW, never)
    assert again.is_same(signers)
    assert len(list_rotations(tmp_path)) == 1
    assert is_requested(tmp_path), "the reports may not have the new key's signature yet"


def test_the_new_key_is_the_only_one_once_it_is_listed(tmp_path: Path) -> None:
    waiting = ask(tmp_path).waiting
    assert waiting
    seen: list[AgentKey] = []
    signers = advance_rotation(
        tmp_path, open_signers(tmp_path), NOW, lambda key: seen.append(key) is None
    )
    assert set(seen) == {waiting.public}, "it is this key that has to be listed"
    assert signers.current.public == waiting.public
    assert signers.waiting is None
    assert read_agent((tmp_path / "agent.json").read_bytes()) == waiting.public
    assert tell_folder(tmp_path) == {"key.pem", "agent.json", "rotation-1.dsse"}
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert open_signers(tmp_path).is_same(signers)


def test_every_rotation_is_kept_in_its_order(tmp_path: Path) -> None:
    first = open_signers(tmp_path).current.public
    seen = [first.keyid, *(rotate(tmp_path).current.public.keyid for _ in range(11))]
    assert len(set(seen)) == 12
    assert len(list_rotations(tmp_path)) == 11
    (last,) = follow_rotations([first], list_rotations(tmp_path))
    assert last.keyid == seen[-1]


def crash(folder: Path, steps: int, word: str) -> bool:
    """Whether it crashed; otherwise it had come to its end."""
    command = [sys.executable, "-c", DOOMED, str(folder), str(steps), word]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 9


def test_a_crash_while_it_is_stated_leaves_the_old_key(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    old = open_signers(template).current.public
    request_rotation(template)
    steps, outcomes = 0, set()
    while True:
        folder = shutil.copytree(template, tmp_path / str(steps))
        if not crash(folder, steps, "unlisted"):
            break
        signers = open_signers(folder)
        assert signers.current.public == old, steps
        outcomes.add(signers.waiting is not None)
        assert tell_folder(folder) <= {"key.pem", "agent.json", "rotation-1.dsse", ASKED, NEXT}
        final = advance_rotation(folder, signers, NOW, never)
        assert final.waiting
        assert follow_rotations([old], list_rotations(folder)) == (final.waiting.public,)
        steps += 1
    assert steps >= 4
    assert outcomes == {True, False}


def test_a_crash_while_it_is_taken_leaves_one_of_both(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    old, waiting = open_signers(template).current.public, ask(template).waiting
    assert waiting
    steps, outcomes = 0, set()
    while True:
        folder = shutil.copytree(template, tmp_path / str(steps))
        if not crash(folder, steps, "listed"):
            break
        signers = open_signers(folder)
        keys = [each.public for each in (signers.current, signers.waiting) if each]
        assert waiting.public in keys, "a listed key signs, whatever happened"
        outcomes.add(signers.current.public == old)
        final = advance_rotation(folder, signers, NOW, always)
        assert (final.current.public, final.waiting) == (waiting.public, None)
        assert read_agent((folder / "agent.json").read_bytes()) == waiting.public
        steps += 1
    assert steps >= 2
    assert outcomes == {True, False}


def test_a_waiting_key_that_nobody_stated_is_dropped(tmp_path: Path) -> None:
    signers = open_signers(tmp_path)
    shutil.copy(tmp_path / "key.pem", tmp_path / NEXT)
    assert advance_rotation(tmp_path, signers, NOW, always).is_same(signers)
    assert tell_folder(tmp_path) == {"key.pem", "agent.json"}


@pytest.mark.parametrize("word", ["signed by a stranger", "spoiled"])
def test_a_statement_that_the_old_key_did_not_sign_does_not_count(
    tmp_path: Path, word: str
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    old = open_signers(mine).current.public
    if word == "spoiled":
        ask(mine)
        statement = mine / "rotation-1.dsse"
        statement.write_bytes(statement.read_bytes().replace(b'"sig":"', b'"sig":"A', 1))
    else:
        ask(other)
        for name in (NEXT, "rotation-1.dsse"):
            shutil.copy(other / name, mine / name)
    signers = open_signers(mine)
    assert (signers.current.public, signers.waiting) == (old, None)
    assert not (mine / NEXT).exists()
