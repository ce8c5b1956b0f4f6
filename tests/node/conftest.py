"""A community's data folder as the app leaves it, beside a repository of the real restic."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.node.places import Places

COPIES = {"community.sqlite3": "backup/community.sqlite3"}


@dataclass
class Household:
    """Where everything is. `wish` is what a job is asked for."""

    places: Places
    repository: Path

    @property
    def wish(self):
        return {
            "repository": str(self.repository),
            "community": "c" * 32,
            "copies": COPIES,
            "leave_out": ["incoming"],
            "day": 1,
            "card": "sealed",
        }

    def restic(self, *words):
        phrase = str(self.places.phrase)
        return subprocess.run(
            ["restic", "--no-cache", "-r", str(self.repository), "-p", phrase, *words],
            capture_output=True,
            text=True,
            check=True,
        ).stdout


@pytest.fixture
def household(tmp_path):
    return make_household(tmp_path)


def make_household(folder):
    """Skips where restic is not on the machine."""
    if not shutil.which("restic"):
        pytest.skip("restic is not on this machine")
    places = Places(*(folder / name for name in ("data", "scratch", "target", "phrase", "s3")))
    for name in ("backup", "media", "incoming"):
        (places.data / name).mkdir(parents=True)
    places.scratch.mkdir()
    places.phrase.write_text("one two three")
    for number in range(20):
        (places.data / "media" / f"{number}.jpg").write_bytes(bytes([number]) * 1000)
    (places.data / "incoming" / "half").write_bytes(b"half")
    for name in ("community.sqlite3", "backup/community.sqlite3"):
        with sqlite3.connect(places.data / name) as db:
            db.execute("CREATE TABLE post (id INTEGER PRIMARY KEY, text TEXT)")
            db.executemany("INSERT INTO post (text) VALUES (?)", [("hello",)] * 7)
        db.close()
    return Household(places, folder / "repository")
