"""The real community app is published and built again, with the command, from its commit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.context import Context
from provisioner.engine.releases.make_release import make_release
from provisioner.engine.releases.release import publish_recipe, verify_published
from provisioner.publishing.build import build_images
from provisioner.publishing.create import create_publisher
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.registry import temporary_registry
from provisioner.settings import ROOT, Settings
from tests.conftest import Engine
from tests.live.shelf import way_out_of
from tests.publishing.liar import make_as_if
from tests.publishing.place import NOW
from tests.publishing.test_checkout import commit, git

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
PORT = 5078


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as somebody who cloned it has it: committed, and nothing else."""
    checkout = tmp_path_factory.mktemp("checkout") / "taarafo"
    checkout.mkdir()
    for name in ("cli.py", "images", "provisioner", "web", "templates", "requirements.lock"):
        if (ROOT / name).is_dir():
            caches = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, checkout / name, ignore=caches)
        else:
            shutil.copy(ROOT / name, checkout / name)
    (checkout / ".gitignore").write_text("__pycache__/\n")
    git(checkout, "init", "-q")
    commit(checkout)
    return checkout


def begin(folder: Path) -> Context:
    """A publisher of its own, with the shared cache of packages and wheels."""
    context = Context(Settings(state=folder, registry_port=PORT))
    create_publisher(Publisher.of(context.settings), now=NOW)
    return context


def rebuild(context: Context, checkout: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `./taarafo release rebuild taarafo 1.0.0 --json`."""
    settings = context.settings
    told = {"TAARAFO_STATE": str(settings.state), "TAARAFO_CACHE": str(settings.cache)}
    done = subprocess.run(
        [sys.executable, "cli.py", "release", "rebuild", "taarafo", "1.0.0", "--json"],
        cwd=checkout,
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, answer


def test_the_published_app_is_reproduced_from_its_commit(
    engine: Engine, checkout: Path, tmp_path: Path
) -> None:
    context = begin(tmp_path / "state")
    with way_out_of(engine):
        registry = build_images(context.settings, ["registry"], say=print)["registry"]
        with temporary_registry(registry, context.settings.registry, tmp_path / "registry"):
            publish_recipe(context, "taarafo", print, project=checkout)
        code, told = rebuild(context, checkout)
    assert (code, told["outcome"]) == (0, "REPRODUCED"), told
    assert told["digest"] == told["rebuilt"]
    assert told["source"] == f"commit {git(checkout, 'rev-parse', 'HEAD')}"
    assert (context.settings.repository_dir / told["attestation"]).is_file()
    rows = verify_published(context)
    assert all(row["ok"] for row in rows), rows
    assert any("image taarafo was built again by 1 of 1 known" in row["sentence"] for row in rows)


def test_one_changed_file_in_the_published_app_is_named(
    engine: Engine, checkout: Path, tmp_path: Path
) -> None:
    """Signed by the right keys, with papers that fit: only building it again can tell."""
    context = begin(tmp_path / "state")
    tampered = tmp_path / "tampered"
    shutil.copytree(checkout, tampered, symlinks=True)
    with way_out_of(engine):
        honest = make_release(context.settings, "taarafo", print, project=checkout).release.source
        with (tampered / "images/taarafo/app/posts.py").open("a") as file:
            file.write("BACKDOOR = True\n")
        made = make_as_if(context.settings, "taarafo", tampered, honest)
        publish_release(
            Publisher.of(context.settings),
            made.release,
            made.manifests,
            papers=made.papers,
            now=NOW,
        )
        assert all(row["ok"] for row in verify_published(context))
        code, told = rebuild(context, checkout)
    assert (code, told["outcome"]) == (21, "NOT-REPRODUCED")
    assert told["changed"] == [
        "/srv/app/__pycache__/posts.cpython-311.pyc",
        "/srv/app/posts.py",
    ]
    assert (told["added"], told["missing"]) == ([], [])
    assert [one.partition(":")[0] for one in told["inputs"]] == ["images/taarafo/app"]
    assert not (context.settings.repository_dir / "rebuilds").exists()
