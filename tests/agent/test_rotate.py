"""A new key on request: stated by the old one, and one key counts after every crash."""

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
    list_rotations,
    open_signer,
    request_rotation,
    rotate_if_asked,
)
from provisioner.agent.signing_key import Signer
from provisioner.core.appraisal.agents import read_agents, write_agents
from provisioner.core.appraisal.rotation import follow_rotations
from provisioner.settings import ROOT

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
# Ends the program, as a power cut would, right before the given change of the file system.
DOOMED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from provisioner.agent.rotate import open_signer, rotate_if_asked

folder, steps = Path(sys.argv[1]), int(sys.argv[2])
signer = open_signer(folder)
def watch(event, arguments):
    global steps
    is_change = event in ("os.rename", "os.remove") or (
        event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    if is_change and str(folder) in str(arguments[0]):
        steps -= 1
        if steps < 0:
            os._exit(9)
sys.addaudithook(watch)
rotate_if_asked(folder, signer, datetime(2026, 5, 1, tzinfo=UTC))
"""


def tell_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_nothing_happens_unasked(tmp_path: Path) -> None:
    signer = open_signer(tmp_path)
    assert rotate_if_asked(tmp_path, signer, NOW) is signer
    assert open_signer(tmp_path).public == signer.public
    assert list_rotations(tmp_path) == []


def test_a_new_key_is_stated_by_the_old_one_and_the_host_stays(tmp_path: Path) -> None:
    old = open_signer(tmp_path)
    request_rotation(tmp_path)
    new = rotate_if_asked(tmp_path, old, NOW)
    assert new.public.host_id == old.public.host_id
    assert new.public.keyid != old.public.keyid
    assert follow_rotations([old.public], list_rotations(tmp_path)) == (new.public,)
    assert read_agents(write_agents([(tmp_path / "agent.json").read_bytes()])) == (new.public,)
    assert tell_folder(tmp_path) == {"key.pem", "agent.json", "rotation-1.dsse"}
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert rotate_if_asked(tmp_path, new, NOW) is new
    assert open_signer(tmp_path).public == new.public


def test_every_rotation_is_kept_in_its_order(tmp_path: Path) -> None:
    first = signer = open_signer(tmp_path)
    seen = [first.public.keyid]
    for _ in range(11):
        request_rotation(tmp_path)
        signer = rotate_if_asked(tmp_path, signer, NOW)
        seen.append(signer.public.keyid)
    assert len(set(seen)) == 12
    assert len(list_rotations(tmp_path)) == 11
    assert follow_rotations([first.public], list_rotations(tmp_path)) == (signer.public,)


def crash(folder: Path, steps: int) -> bool:
    """Whether it crashed; otherwise it had come to its end."""
    command = [sys.executable, "-c", DOOMED, str(folder), str(steps)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 9


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Signer]:
    folder = tmp_path_factory.mktemp("agent")
    old = open_signer(folder)
    request_rotation(folder)
    return folder, old


def test_a_crash_at_any_moment_leaves_one_key_that_counts(
    asked: tuple[Path, Signer], tmp_path: Path
) -> None:
    template, old = asked
    steps, outcomes = 0, set()
    while True:
        folder = tmp_path / str(steps)
        shutil.copytree(template, folder)
        if not crash(folder, steps):
            break
        signer = open_signer(folder)
        stated = list_rotations(folder)
        assert follow_rotations([old.public], stated) == (signer.public,), steps
        assert tell_folder(folder) <= {"key.pem", "agent.json", "rotation-1.dsse", ASKED}
        assert open_signer(folder).public == signer.public
        is_new = signer.public != old.public
        outcomes.add(is_new)
        assert (folder / ASKED).exists() != is_new, "what was asked for is done once"
        final = rotate_if_asked(folder, signer, NOW)
        assert final.public.keyid != old.public.keyid
        assert len(list_rotations(folder)) == 1
        assert follow_rotations([old.public], list_rotations(folder)) == (final.public,)
        steps += 1
    assert steps >= 8
    assert outcomes == {True, False}


def test_a_running_agent_goes_on_with_what_failed_before(
    asked: tuple[Path, Signer], tmp_path: Path
) -> None:
    """As when the disk was full just after the new key was stated: it does not end for that."""
    folder, old = shutil.copytree(asked[0], tmp_path / "agent"), asked[1]
    assert crash(folder, 6)
    assert (folder / NEXT).exists()
    assert list_rotations(folder)
    new = rotate_if_asked(folder, old, NOW)
    assert follow_rotations([old.public], list_rotations(folder)) == (new.public,)
    assert tell_folder(folder) == {"key.pem", "agent.json", "rotation-1.dsse"}


def test_a_waiting_key_that_nobody_stated_is_dropped(tmp_path: Path) -> None:
    signer = open_signer(tmp_path)
    shutil.copy(tmp_path / "key.pem", tmp_path / NEXT)
    assert rotate_if_asked(tmp_path, signer, NOW).public == signer.public
    assert tell_folder(tmp_path) == {"key.pem", "agent.json"}


def test_a_statement_that_was_tampered_with_does_not_count(tmp_path: Path) -> None:
    old = open_signer(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    stranger = open_signer(other)
    request_rotation(other)
    rotate_if_asked(other, stranger, NOW)
    shutil.copy(other / "key.pem", tmp_path / NEXT)
    shutil.copy(other / "rotation-1.dsse", tmp_path / "rotation-1.dsse")
    assert open_signer(tmp_path).public == old.public
    assert not (tmp_path / NEXT).exists()
