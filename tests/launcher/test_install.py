"""The first start installs, and whatever happened to an installation, the next start mends it."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from tests.launcher.conftest import GETTING_READY


def test_interrupted_installation_is_redone(clone):
    launch = clone.start()
    until(lambda: list((clone.cache / "environments").glob("*/bin/python")))
    launch.send_signal(signal.SIGKILL)
    launch.communicate()
    until(lambda: not is_being_built(clone))
    again = clone.run()
    assert json.loads(again.stdout) == ["hello"]
    assert GETTING_READY in again.stderr


def test_missing_package_is_noticed_and_installed_again(installed):
    (installed.packages / "tiny.py").unlink()
    again = installed.run()
    assert json.loads(again.stdout) == ["hello"]
    assert GETTING_READY in again.stderr


def test_vanished_python_is_noticed_and_installed_again(installed):
    python = installed.environment / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert json.loads(installed.run().stdout) == ["hello"]
    assert installed.run().stderr == ""


def test_of_two_starts_at_once_one_installs_and_the_other_waits(clone):
    launches = [clone.start(str(n)) for n in range(2)]
    told = [launch.communicate(timeout=120) for launch in launches]
    assert [json.loads(said)[1] for said, _ in told] == ["0", "1"]
    assert sum(GETTING_READY in warned for _, warned in told) == 1
    assert any("Waiting for it" in warned for _, warned in told)


def test_dev_runs_a_tool_of_its_own_environment(clone):
    done = clone.run("dev", "tiny-tool")
    assert done.stdout == "tool hello\n"
    unknown = clone.run("dev", "../tiny-tool")
    assert unknown.returncode == 10
    assert "no tool called" in unknown.stderr


def until(happened, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_being_built(clone):
    """Whether a program that the killed launcher had started still writes its environment."""
    return any(str(clone.cache) in read(p) for p in Path("/proc").glob("[0-9]*/cmdline"))


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""
