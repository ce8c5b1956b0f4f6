"""A start with everything installed: fast, and it passes everything on as it was given."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_arguments_and_output_pass_through(installed):
    done = installed.run("community", "create", "--name", "The Smith Family — Ñandú", "")
    expected = ["hello", "community", "create", "--name", "The Smith Family — Ñandú", ""]
    assert json.loads(done.stdout) == expected
    assert done.stderr == ""


def test_exit_code_passes_through(installed):
    cli = installed.folder / "cli.py"
    usual = cli.read_text()
    cli.write_text("raise SystemExit(23)")
    try:
        assert installed.run("anything").returncode == 23
    finally:
        cli.write_text(usual)


def test_start_works_from_any_folder_and_through_a_link(installed, tmp_path):
    link = tmp_path / "taarafo"
    link.symlink_to(installed.launcher)
    done = subprocess.run(
        [str(link)], cwd="/", env=installed.variables(), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["hello"]


def test_foreign_python_settings_do_not_get_in(installed, tmp_path):
    (tmp_path / "tiny.py").write_text("WORD = 'foreign'")
    done = installed.run(PYTHONPATH=str(tmp_path), PYTHONHOME="/nowhere")
    assert json.loads(done.stdout) == ["hello"]


def test_warm_start_loads_nothing_that_only_an_installation_needs(installed):
    """What keeps it below 40 ms: the modules it loads, not the speed of this machine."""
    command = [sys.executable, "-X", "importtime", "-IS", str(installed.launcher)]
    done = subprocess.run(
        command, env=installed.variables(), capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "hashlib" in loaded
    assert not loaded & {"subprocess", "shutil", "fcntl", "importlib.util", "typing", "pathlib"}


def test_old_python_can_read_the_launcher():
    ast.parse((ROOT / "taarafo").read_text(), feature_version=(3, 6))


def test_python_that_is_too_old_is_told_so(installed):
    strict = installed.folder / "strict"
    strict.write_text(installed.launcher.read_text().replace("(3, 11)", "(99, 0)"))
    done = subprocess.run(
        [sys.executable, "-IS", strict],
        env=installed.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 10
    assert done.stderr.startswith("Taarafo needs Python 99.0 or newer")
