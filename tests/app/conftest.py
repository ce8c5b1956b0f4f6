"""A real community in a temporary folder, and people who use it like a browser does."""

from __future__ import annotations

import json
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "images" / "taarafo"
sys.path.insert(0, str(SOURCE))

from app import tokens  # noqa: E402
from app.migrate import migrate  # noqa: E402
from app.owner import create_owner  # noqa: E402
from app.settings import Settings  # noqa: E402

from provisioner.core.rendering import render_templates  # noqa: E402
from tests.app.people import Person  # noqa: E402

WELCOME, INVITATION = "W" * 43, "I" * 43
PROMISES = {
    "visibility": "hidden",
    "membership": "invite",
    "connections": "none",
    "adverts": "off",
    "rules": "Be kind.\n\nAsk first.",
    "country": "US",
}


def write_config(folder: Path, **promises: str) -> Path:
    """The config file as the control plane renders it from the recipe's own template."""
    template = ROOT / "templates" / "taarafo" / "community.toml.j2"
    address = "smith.localhost:8080"
    facts = {
        "community": {
            "id": "1",
            "name": "The Smith Family 🌻",
            "address": address,
            "url": f"http://{address}",
            "host": "smith.localhost",
        },
        "promises": PROMISES | promises,
        "founder": {"name": "Ann"},
        "release": {"recipe": "taarafo", "version": "1.0.0", "channel": "stable"},
        "control": {
            "url": "http://localhost:8080",
            "check_url": f"http://localhost:8080/check/{address}",
        },
    }
    rendered = render_templates({template.name: template.read_text(encoding="utf-8")}, facts)
    path = folder / "community.toml"
    path.write_bytes(rendered["community.toml"])
    tomllib.loads(path.read_text(encoding="utf-8"))
    return path


def order_owner(settings: Settings, welcome: str = WELCOME, **changes: str) -> None:
    """Write the control plane's order and run the one-shot command on it."""
    wish = {
        "name": "Ann",
        "email": "",
        "signin_sha256": tokens.digest(welcome),
        "signin_expires": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "invite_sha256": tokens.digest(INVITATION),
    }
    order = settings.secrets / "owner"
    order.write_text(json.dumps(wish | changes), encoding="utf-8")
    create_owner(settings, order, int(time.time()))


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """A prepared community folder: config, secrets and an empty database."""
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))

    def make(data: Path | None = None, **promises: str) -> Settings:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "run").mkdir()
        (tmp_path / "secrets" / "session").write_bytes(b"a secret of enough bytes")
        settings = Settings(
            data=data or tmp_path / "data",
            config=write_config(tmp_path, **promises),
            secrets=tmp_path / "secrets",
            socket=tmp_path / "run" / "http.sock",
            reserve_mb=1,
        )
        migrate(settings)
        order_owner(settings)
        return settings

    return make


class Place:
    """One community and the people at its door."""

    def __init__(self, settings: Settings) -> None:
        from app.web import create_app

        self.settings = settings
        self.app = create_app(settings)

    def person(self) -> Person:
        """Somebody with a browser that has never been here."""
        return Person(self.app)

    def founder(self) -> Person:
        ann = self.person()
        ann.send(f"/welcome/{WELCOME}", {})
        ann.send("/me/first-password", {"password": "apple tree river"})
        return ann

    def member(self, name: str = "Bob", link: str = f"/join/{INVITATION}") -> Person:
        person = self.person()
        person.join(link, name)
        return person

    def bytes_at_rest(self) -> bytes:
        return b"".join(f.read_bytes() for f in self.settings.data.rglob("*") if f.is_file())


@pytest.fixture
def make_place(make_settings: Callable[..., Settings]) -> Callable[..., Place]:
    return lambda **promises: Place(make_settings(**promises))


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A hidden family, joined by invitation."""
    return make_place()
