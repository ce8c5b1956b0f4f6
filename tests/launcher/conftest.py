"""A small clone with the real launcher and one tiny locked package, installed without a network."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GETTING_READY = "Getting Taarafo ready"
CLI = "import json, sys, tiny; print(json.dumps([tiny.WORD, *sys.argv[1:]]))\n"


@dataclass(frozen=True)
class Clone:
    """A folder with the launcher, its cache and the shelf of wheels it may install from."""

    folder: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def launcher(self) -> Path:
        return self.folder / "taarafo"

    @property
    def environment(self) -> Path:
        """The one that is installed."""
        (found,) = [p for p in (self.cache / "environments").iterdir() if p.is_dir()]
        return found

    @property
    def packages(self) -> Path:
        return next((self.environment / "lib").glob("python*/site-packages"))

    def variables(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "TAARAFO_"))}
        shelf = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.folder / "shelf")}
        own = {"TAARAFO_CACHE": str(self.cache), "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1"}
        return kept | shelf | own | more

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.launcher), *arguments],
            env=self.variables(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        launch = self.start(*arguments, **more)
        said, told = launch.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, launch.returncode, said, told)


def make_wheel(shelf: Path, word: str = "hello") -> str:
    """A wheel of one module and one program; returns its SHA-256."""
    shelf.mkdir(exist_ok=True)
    wheel = shelf / "tiny-1.0-py3-none-any.whl"
    about = "tiny-1.0.dist-info"
    files = {
        "tiny.py": f"WORD = {word!r}\ndef main():\n    print('tool', WORD)\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\ntiny-tool = tiny:main\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def make_clone(folder: Path) -> Clone:
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "taarafo", folder)
    (folder / "cli.py").write_text(CLI)
    lock = f"tiny==1.0 --hash=sha256:{make_wheel(folder / 'shelf')}\n"
    (folder / "requirements.lock").write_text(lock)
    (folder / "requirements-dev.lock").write_text(f"# dev\n{lock}")
    return Clone(folder)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Nothing is installed yet."""
    return make_clone(tmp_path / "clone")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Installed once, as an installation takes seconds; a test that damages it sees it mended."""
    clone = make_clone(tmp_path_factory.mktemp("launcher"))
    first = clone.run()
    assert first.returncode == 0
    assert GETTING_READY in first.stderr
    return clone
