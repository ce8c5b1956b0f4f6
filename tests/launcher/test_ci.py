"""`.ci/run` runs the tests without a terminal and passes the exit code on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / ".ci" / "run"


def run_ci(*arguments):
    return subprocess.run(
        [CI, *arguments],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_can_be_run_and_is_sound_bash():
    assert os.access(CI, os.X_OK)
    subprocess.run(["bash", "-n", CI], check=True)


def test_exit_code_and_last_lines_are_those_of_pytest():
    passed = run_ci("--fast", "tests/launcher/test_ci.py", "-k", "sound_bash")
    assert passed.returncode == 0
    assert "1 passed" in passed.stdout.splitlines()[-1]
    assert run_ci("--fast", "--no-such-option").returncode == 4
