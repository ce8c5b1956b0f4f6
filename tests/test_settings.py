"""Settings come from the environment; a wrong one is named in a sentence."""

from __future__ import annotations

import pytest

from provisioner.errors import SettingWrong
from provisioner.settings import Settings


def test_the_environment_sets_and_a_name_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("TAARAFO_PORT", "8181")
    monkeypatch.setenv("TAARAFO_STATE", str(tmp_path))
    assert Settings().url == "http://localhost:8181"
    assert Settings().db_dir == tmp_path / "db"
    assert Settings(port=8282).port == 8282


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAARAFO_PORT", "many"),
        ("TAARAFO_PORT", "0"),
        ("TAARAFO_REGISTRY_PORT", "65536"),
        ("TAARAFO_LEASE_SECONDS", "-1"),
        ("TAARAFO_MAX_COMMUNITIES", ""),
    ],
)
def test_a_wrong_value_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingWrong) as refused:
        Settings()
    assert refused.value.explain().startswith(f"The setting {name} cannot be used: ")
    assert refused.value.exit_code != 0


def test_a_domain_turns_local_mode_off(monkeypatch):
    monkeypatch.setenv("TAARAFO_DOMAIN", "example.org")
    settings = Settings()
    assert settings.url_of("smiths") == "https://smiths.example.org"
    assert not settings.is_local


def test_a_missing_secret_is_named(tmp_path):
    with pytest.raises(SettingWrong) as refused:
        Settings(state=tmp_path, secrets_dir=tmp_path).read_secret("master.key")
    assert "master.key" in refused.value.explain()
