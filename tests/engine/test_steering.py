"""The commands that steer upgrades, as they are typed: on a real database, in words and in JSON."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli import app
from provisioner.engine.context import Context
from provisioner.models.rollout import RolloutRow
from provisioner.settings import Settings
from tests.engine.test_roll_out import NEW, make_row
from tests.fakes import START


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("TAARAFO_STATE", str(tmp_path))
    context = Context(Settings(state=tmp_path))
    context.settings.db_dir.mkdir()
    context.store.migrate()
    with context.store.session() as session:
        session.add(make_row(context, 1))
        session.add(
            RolloutRow(
                target=NEW,
                app="taarafo",
                channel="stable",
                urgency="routine",
                security_floor="1.0.0",
                published_at=START,
                state="active",
                wave=0,
                reason="Just seen.",
            )
        )

    def run(*words, code=0):
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == code, done.output
        return done.stdout

    return run


def test_a_community_is_pinned_put_off_and_given_a_clock(run):
    assert "stays at 1.0.0" in run("community", "pin", "c1", "1.0.0")
    assert json.loads(run("community", "show", "c1", "--json"))["pinned_to"] == "1.0.0"
    assert "is free" in run("community", "pin", "c1")
    assert "No upgrade before" in run("community", "postpone", "c1", "--days", "3", "--why", "x")
    assert "Nothing is put off" in run("community", "postpone", "c1", "--days", "0")
    told = json.loads(run("community", "zone", "c1", "Asia/Kolkata", "--json"))
    assert told["zone"] == "Asia/Kolkata"


def test_a_rollout_is_listed_paused_and_resumed(run):
    assert "active, wave 1 of 3  Just seen." in run("rollout", "list")
    assert "is paused" in run("rollout", "pause", NEW)
    (row,) = json.loads(run("rollout", "list", "--json"))
    assert (row["state"], row["version"]) == ("paused", "1.0.1")
    assert "goes on" in run("rollout", "resume", NEW)


def test_without_anything_published_the_list_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TAARAFO_STATE", str(tmp_path))
    context = Context(Settings(state=tmp_path))
    context.settings.db_dir.mkdir()
    context.store.migrate()
    done = CliRunner().invoke(app, ["rollout", "list"])
    assert "nothing to bring to anybody" in done.stdout
