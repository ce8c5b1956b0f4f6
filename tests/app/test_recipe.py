"""The recipe and the config template say what the app and the control plane agreed on."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from app.__main__ import COMMANDS, main
from app.config import read_config

from provisioner.models.release import Recipe
from tests.app.conftest import ROOT, SOURCE, write_config

FOLDER = ROOT / "templates" / "taarafo"


def test_the_recipe_is_one():
    recipe = Recipe.model_validate(tomllib.loads((FOLDER / "recipe.toml").read_text()))
    assert recipe.app.uid == 10100
    assert set(recipe.app.secrets) == set(recipe.secrets) == {"session"}
    assert {word for words in recipe.commands.values() for word in words} <= set(COMMANDS)
    assert recipe.app.command == ("serve",)
    for template in recipe.app.configs:
        assert (FOLDER / template).exists()
    assert recipe.assets == {"/static": "/srv/app/static"}
    assert (SOURCE / "app" / "static" / "style.css").exists()


def test_commands_are_carried_out_in_the_order_they_are_named(monkeypatch, capsys):
    carried: list[str] = []
    known = {name: lambda _, name=name: carried.append(name) for name in COMMANDS}
    monkeypatch.setattr("app.__main__.COMMANDS", known)
    monkeypatch.setattr("app.__main__.read_settings", lambda: None)
    monkeypatch.setattr("os.umask", lambda _: 0)
    assert main(["after-restore", "serve"]) == 0
    assert carried == ["after-restore", "serve"]
    assert [main(words) for words in ([], ["serve", "nonsense"])] == [2, 2]
    assert carried == ["after-restore", "serve"], "none is begun when one is not known"
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rules",
    ["", 'quotes " and \\ and \n\n lines', "🌻 ' {{ x }} </script>", "[part]\nx = 1", "\x7f"],
)
def test_no_rule_can_change_the_shape_of_the_config(tmp_path: Path, rules: str):
    config = read_config(write_config(tmp_path, rules=rules))
    assert config.promises.rules == rules.replace("\x7f", "")
    assert config.community.name == "The Smith Family 🌻"


@pytest.mark.parametrize(
    ("find", "put"),
    [('"hidden"', '"secret"'), ("[control]", "[controls]"), ("country", "county"), ('"US"', "1")],
)
def test_a_config_that_is_not_understood_is_refused(tmp_path: Path, find: str, put: str):
    path = write_config(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(find, put), encoding="utf-8")
    with pytest.raises(ValueError, match=r"must"):
        read_config(path)
