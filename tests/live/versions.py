"""Newer versions of the community app, good and bad, made of the published one and really built.

All tests of a run share one list of releases, whose versions only go up: those of the browser's
tests come before those of the upgrades.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.engine.context import Context
from provisioner.engine.releases.release import publish_recipe
from provisioner.settings import ROOT, Settings

APP = "images/taarafo/app"
RECIPE = "templates/taarafo/recipe.toml"
PARTS = ("images", "templates", "provisioner", "requirements.lock", "cli.py")
TABLE = "CREATE TABLE newer (word TEXT NOT NULL);\nINSERT INTO newer VALUES ('hello');\n"
HALF = """
    import os, shutil
    db.execute("DELETE FROM comment")
    db.commit()
    shutil.rmtree(settings.media)
    os.abort()
"""


@dataclass(frozen=True)
class Version:
    """`edits` are (file of the app, text, what takes its place); `adds` are new files."""

    number: str
    edits: tuple[tuple[str, str, str], ...] = ()
    adds: dict[str, str] = field(default_factory=dict)
    recipe: str = ""  # more lines at the top of recipe.toml
    notes: str = "First release."


FORGETS = (("web/gate.py", "    if config.is_hidden:\n", "    if False:\n"),)
HASTY = Version("1.0.1", edits=FORGETS, notes="Photos load faster.")
MENDED = Version("1.0.2", notes="Photos load faster, and strangers see nothing.")
TRIED = Version("1.0.3", notes="Albums are shown in order.")

GOOD = Version("1.1.1", adds={"migrations/0002_newer.sql": TABLE}, recipe='readable_by = "1.0.0"\n')
SPOILS = Version(
    "1.1.2",
    edits=(("migrate.py", "        _use_write_ahead(db)\n", HALF.replace("    ", "        ")),),
)
SLEEPS = Version(
    "1.1.3",
    edits=(("serve.py", "    server = _server(settings, app)\n", "    time.sleep(1000)\n"),),
)
SHOWS = Version("1.1.4", edits=FORGETS)
BETTER = Version(
    "1.1.5", adds={"migrations/0002_newer.sql": TABLE}, recipe='readable_by = "1.1.1"\n'
)


def publish(context: Context, version: Version, folder: Path) -> None:
    """Build it from a copy of the project, push it, sign it."""
    project = lay_out(version, folder)
    publish_recipe(context, "taarafo", lambda _: None, project=project)


def publish_by_command(settings: Settings, version: Version, folder: Path, *options: str) -> None:
    """The same by `release publish` with these options, typed in that copy of the project."""
    told = {
        "TAARAFO_STATE": str(settings.state),
        "TAARAFO_PORT": str(settings.port),
        "TAARAFO_DOCKER_HOST": settings.docker_host,
    }
    subprocess.run(
        [sys.executable, "cli.py", "release", "publish", *options],
        cwd=lay_out(version, folder),
        env={**os.environ, **told},
        check=True,
    )


def lay_out(version: Version, folder: Path) -> Path:
    """A copy of the project with the changes of this version; returns its folder."""
    project = folder / version.number
    for name in PARTS:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    for name, text, instead in version.edits:
        change(project / APP / name, text, instead)
    for name, text in version.adds.items():
        (project / APP / name).write_text(text)
    change(
        project / RECIPE, 'version = "1.0.0"\n', f'version = "{version.number}"\n{version.recipe}'
    )
    change(project / RECIPE, 'notes = "First release."', f'notes = "{version.notes}"')
    return project


def change(path: Path, text: str, instead: str) -> None:
    before = path.read_text()
    assert before.count(text) == 1, (path, text)
    path.write_text(before.replace(text, instead))
