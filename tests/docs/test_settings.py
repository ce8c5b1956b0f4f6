"""Every setting is told with its default, and whether it reaches the services."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from provisioner.core.control_plane import plan_control_plane
from provisioner.engine.machine.ground import read_ground
from provisioner.settings import Settings
from tests.core.own_release import make_own_release
from tests.docs.pages import ROOT, find_rows, find_section, find_spans, read

FIELDS = Settings.model_fields


@pytest.fixture(scope="module")
def settings_rows():
    return find_rows(find_section(read("docs/operating.md"), "Settings"))


def plan_services(tmp_path, **given):
    """What the web and the worker would be told, and what of the host they would have."""
    socket = tmp_path / "docker.sock"
    socket.touch()
    settings = Settings(**{"docker_host": f"unix://{socket}", **given})
    engine = SimpleNamespace(get_root_dir=lambda: "/var/lib/docker")
    context = SimpleNamespace(settings=settings, engine=engine)
    specs = plan_control_plane(read_ground(context), make_own_release())
    parts = [spec for spec in specs if spec.name.endswith(("-web", "-worker"))]
    return [(spec.environment, spec.mounts) for spec in parts]


def another(name, tmp_path):
    """A value that is good for this setting and not its default."""
    if name == "docker_host":
        (tmp_path / "other.sock").touch()
        return f"unix://{tmp_path}/other.sock"
    default = FIELDS[name].default
    return default + 1 if isinstance(default, int | float) else f"{default}-other"


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_explained_with_its_default(name, settings_rows):
    default, _, meaning = settings_rows[f"TAARAFO_{name.upper()}"]
    assert default == (f"`{FIELDS[name].default}`" if FIELDS[name].default else "empty")
    assert len(meaning) > 10


def test_no_setting_is_explained_that_does_not_exist(settings_rows):
    assert set(settings_rows) == {f"TAARAFO_{name.upper()}" for name in FIELDS}


@pytest.mark.parametrize("name", FIELDS)
def test_it_is_said_which_settings_reach_the_services(name, settings_rows, tmp_path):
    before = plan_services(tmp_path)
    after = plan_services(tmp_path, **{name: another(name, tmp_path)})
    told = settings_rows[f"TAARAFO_{name.upper()}"][1]
    assert told == ("yes" if after != before else "no")


READS = re.compile(
    r"""os\.environ(?:\.get\(|\[)\s*"([A-Z_]+)"|\benv\("([A-Z_]+)"|\{\$([A-Z_]+)""", re.VERBOSE
)
READERS = [
    *(ROOT / name for name in ("cli.py", "taarafo", "images/edge/Caddyfile", "tests/run.py")),
    *ROOT.glob("provisioner/**/*.py"),
    *ROOT.glob("web/**/*.py"),
    *ROOT.glob("images/taarafo/app/**/*.py"),
    *ROOT.glob("tests/**/*.py"),
]
EVERYWHERE = {"PATH"}  # every program has it


def test_every_environment_variable_that_is_read_is_explained():
    named = set()
    for page in ("docs/operating.md", "docs/recipes.md", "CONTRIBUTING.md"):
        named |= set(find_spans(read(page)))
    found = {}
    for path in READERS:
        for groups in READS.findall(path.read_text("utf-8")):
            found.setdefault("".join(groups), path.name)
    assert len(found) > 15
    assert not {name: where for name, where in found.items() if name not in named | EVERYWHERE}
