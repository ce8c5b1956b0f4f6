"""One publisher with release 1.0.0 for each test, copied from one that was made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from provisioner.publishing.publisher import Publisher
from tests.publishing.place import begin, publisher_in


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publisher") / "one"
    begin(folder, "1.0.0")
    return folder


@pytest.fixture
def make_publisher(made_once: Path, tmp_path: Path) -> Callable[[], Publisher]:
    """Another copy with each call."""
    numbers = count()

    def make() -> Publisher:
        folder = tmp_path / f"copy-{next(numbers)}"
        shutil.copytree(made_once, folder)
        return publisher_in(folder)

    return make


@pytest.fixture
def publisher(made_once: Path, tmp_path: Path) -> Publisher:
    shutil.copytree(made_once, tmp_path / "publisher")
    return publisher_in(tmp_path / "publisher")
