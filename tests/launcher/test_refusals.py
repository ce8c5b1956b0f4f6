"""What cannot work is said in sentences with a next step, never as a traceback."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from tests.launcher.conftest import ROOT, make_clone, make_wheel

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")


def check(done, *words):
    assert done.returncode == 10
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) >= 2
    for word in words:
        assert word in done.stderr
    return done


def test_no_network(clone):
    done = clone.run(PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    check(done, "internet could not be reached", "Check the connection")


def test_a_package_that_was_changed_is_refused(clone):
    make_wheel(clone.folder / "shelf", word="tampered")
    check(clone.run(), "not the one we checked")
    assert not list(clone.cache.glob("environments/*/complete"))


def test_cache_that_is_a_file(clone):
    clone.cache.write_text("in the way")
    check(clone.run(), str(clone.cache))


def test_incomplete_clone(clone):
    (clone.folder / "requirements.lock").unlink()
    check(clone.run(), "requirements.lock", "fresh copy")


@needs_root
def test_full_disk_is_refused_before_anything_is_written(clone):
    clone.cache.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", clone.cache], check=True)
    try:
        check(clone.run(), "not enough room", "TAARAFO_CACHE")
        assert not list(clone.cache.glob("environments/*/bin"))
    finally:
        subprocess.run(["umount", clone.cache], check=True)


@pytest.fixture
def public_clone():
    """Where everybody may read, unlike pytest's own folders."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        clone = make_clone(Path(folder) / "clone")
        clone.launcher.chmod(0o755)
        yield clone


def run_as_nobody(clone, *arguments):
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    return subprocess.run(
        [python, "-IS", str(clone.launcher), *arguments],
        env=clone.variables(),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )


@needs_root
def test_up_without_root(public_clone):
    check(run_as_nobody(public_clone, "up"), "has to run as root", "sudo ./taarafo up")


@needs_root
def test_cache_that_we_may_not_write(public_clone):
    check(run_as_nobody(public_clone), "may not write", "sudo")


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", "disk became full"),
        ("E: Unable to fetch some archives, maybe run apt-get update", "internet"),
        ("Temporary failure in name resolution", "internet"),
        ("Segmentation fault", "could not be installed"),
    ],
)
def test_what_installers_print_becomes_a_sentence(printed, sentence):
    loader = SourceFileLoader("launcher", str(ROOT / "taarafo"))
    launcher = importlib.util.module_from_spec(importlib.util.spec_from_loader("launcher", loader))
    loader.exec_module(launcher)
    what, advice = launcher.explain(printed, "/log").args
    assert sentence in what
    assert advice
