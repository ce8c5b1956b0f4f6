"""The commands around keys and floors, as a program that calls them sees them."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from provisioner.engine.context import Context
from provisioner.engine.releases.release import ensure_published, ensure_publisher
from provisioner.errors import FloorRefused, KeyRefused, SignaturesMissing
from provisioner.publishing.create import create_publisher
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.recipe import read_recipe
from provisioner.settings import ROOT, Settings
from tests.fakes import FakeClock
from tests.publishing.ceremonies import make_holder
from tests.publishing.place import APP, NOW, publish

TAARAFO = read_recipe(ROOT / "templates" / "taarafo")[0]


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.setenv("TAARAFO_STATE", str(tmp_path / "state"))
    publisher = Publisher.of(Settings())
    create_publisher(publisher, now=NOW)
    publish(publisher, TAARAFO.version)
    return publisher


def run(*words: str) -> str:
    """Standard output of `release …`; raises what the command raises."""
    return CliRunner().invoke(app, ["release", *words], catch_exceptions=False).stdout


def ask(*words: str):
    return json.loads(run(*words, "--json"))


def test_every_key_is_listed_with_who_must_sign_and_until_when(publisher: Publisher) -> None:
    rows = ask("keys", "list")
    assert len(rows) == 11
    assert set(rows[0]) == {"role", "file", "keyid", "is_here", "threshold", "expires"}
    assert (rows[0]["role"], rows[0]["file"], rows[0]["threshold"]) == ("root", "root-1.pem", 2)
    assert f"{APP}-1.pem" in run("keys", "list")


def test_a_key_is_rotated(publisher: Publisher) -> None:
    before = {row["file"]: row["keyid"] for row in ask("keys", "list")}
    done = ask("keys", "rotate", "root", "--number", "3")
    assert (done["published"], done["earlier"], done["roles"]) == (True, False, ["root"])
    after = {row["file"]: row["keyid"] for row in ask("keys", "list")}
    assert [file for file in before if before[file] != after[file]] == ["root-3.pem"]
    assert run("keys", "rotate", "timestamp").endswith("Published.\n")


def test_holders_are_added_and_taken_out(publisher: Publisher, tmp_path: Path) -> None:
    private, public = make_holder(tmp_path, "anna")
    assert ask("keys", "add", APP, str(public))["published"]
    waiting = ask("keys", "threshold", APP, "2")
    assert [row["missing"] for row in waiting["waiting"]] == [["anna.pem"]]
    assert "Not yet: anna.pem." in run("keys", "sign", APP)
    listed = CliRunner().invoke(app, ["release", "keys", "list", "--json"])
    assert f"Waiting: {APP}: 1 of 2 have signed." in listed.stderr
    assert ask("keys", "sign", APP, "--key", str(private))["published"]
    assert ask("keys", "threshold", APP, "2") == {
        "published": True,
        "earlier": False,
        "roles": [],
        "changes": [],
        "waiting": [],
    }
    assert ask("keys", "threshold", APP, "2", "--keys", "3")["published"], "two are here then"
    hers = next(row["keyid"] for row in ask("keys", "list") if row["file"] == "anna.pem")
    assert "anna.pem" in run("keys", "remove", APP, hers[:12])
    assert [row["file"] for row in ask("keys", "list") if row["role"] == APP] == [
        f"{APP}-1.pem",
        f"{APP}-2.pem",
    ]


def test_a_machine_without_online_keys_says_where_to_go(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = publisher.ring.home.rename(tmp_path / "away")
    ask("keys", "rotate", "root")
    shutil.copytree(Settings().state, tmp_path / "hers")
    monkeypatch.setenv("TAARAFO_STATE", str(tmp_path / "hers"))
    for name in ("root-1.pem", "root-2.pem"):
        text = run("keys", "sign", "root", "--key", str(away / name))
    assert text.endswith("Take the folder back to the machine that publishes.\n")


def test_the_floor_rises(publisher: Publisher) -> None:
    assert ask("floor", "taarafo", TAARAFO.version)["security_floor"] == TAARAFO.version
    assert TAARAFO.version in run("floor", "taarafo", TAARAFO.version, "--channel", "stable")
    with pytest.raises(FloorRefused):
        run("floor", "taarafo", "0.0.1")


@pytest.mark.parametrize(
    "words",
    [
        ("rotate", "root", "--number", "9"),
        ("rotate", "chat"),
        ("add", "root", "/nowhere.pub"),
        ("remove", "root", "123456"),
        ("threshold", "root", "9"),
        ("threshold", "timestamp", "1", "--keys", "2"),
        ("sign", "root"),
        ("sign", "root", "--key", "/nowhere.pem"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    publisher: Publisher, words: tuple[str, ...]
) -> None:
    with pytest.raises(KeyRefused) as caught:
        run("keys", *words)
    assert "…" not in caught.value.explain() + caught.value.next_step()


def test_the_sentence_of_what_waits_is_whole(publisher: Publisher, tmp_path: Path) -> None:
    for number in (1, 2):
        (publisher.ring.home / f"root-{number}.pem").rename(tmp_path / f"{number}.pem")
    ask("keys", "rotate", "root", "--number", "3")
    with pytest.raises(SignaturesMissing) as caught:
        run("keys", "rotate", "timestamp")
    words = caught.value.explain() + caught.value.next_step()
    assert "…" not in words
    assert str(publisher.pending) in words


def test_up_says_what_waits_and_goes_on(publisher: Publisher, tmp_path: Path) -> None:
    """A key that is away, and a change that not all have signed."""
    own = publisher.ring.home / f"{APP}-1.pem"
    own.rename(tmp_path / "away.pem")
    context, said = Context(Settings()), []
    ensure_publisher(context, said.append)
    ensure_published(context, said.append)
    assert said == [], "nothing is due"
    context.clock = FakeClock()
    context.clock.moment = NOW + timedelta(days=16)
    ensure_publisher(context, said.append)
    ensure_published(context, said.append)
    assert f"Missing: {APP}-1.pem." in said[0]
    (tmp_path / "away.pem").rename(own)
    _, public = make_holder(tmp_path, "anna")
    ask("keys", "add", APP, str(public))
    assert not ask("keys", "threshold", APP, "2")["published"]
    context.clock.moment = NOW + timedelta(days=29)
    ensure_publisher(context, said.append)
    ensure_published(context, said.append)
    assert said[1:] == [f"{APP}: 1 of 2 have signed. Not yet: anna.pem."]
    assert publisher.read_state().timestamp.signed.expires > context.clock.moment
