"""A release is tried on early, given to everybody, and its channel left again, on a real engine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from provisioner.engine.at_once import create_now
from provisioner.engine.checks.attest import check_community
from provisioner.engine.context import Context
from provisioner.engine.upgrades.upgrade import request_upgrade
from provisioner.engine.upgrades.wishes import choose_channel, explain_channel
from provisioner.errors import UpgradeRefused
from provisioner.models.verdict import Outcome
from provisioner.publishing.create import TRIED as AT_FIRST
from provisioner.publishing.publisher import role_of
from provisioner.settings import ROOT
from tests.live.community import hold_others, take_down, wait_until
from tests.live.versions import TRIED, publish_by_command

pytestmark = pytest.mark.live
EARLY = f"app/taarafo/early/{TRIED.number}/release.json"
STABLE = f"app/taarafo/stable/{TRIED.number}/release.json"


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture
def family(context):
    hold_others(context)
    made = create_now(
        context, on_progress=lambda _: None, preset="family", name="The Brave", founder="Ann"
    )
    community = context.store.get_community(made["id"])
    yield community
    take_down(context, community)


def promote(state, *options):
    told = {"TAARAFO_STATE": str(state.state), "TAARAFO_DOCKER_HOST": state.docker_host}
    words = [sys.executable, "cli.py", "release", "promote", TRIED.number, *options]
    return subprocess.run(
        words, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )


def await_release(context, family, target):
    """The worker brings it by itself; then it is what was published."""
    wait_until(lambda: context.store.get_community(family.id).release == target, target)

    def is_judged():
        verdict = check_community(context, family.address)
        return verdict.release == target and verdict.outcome in (Outcome.GENUINE, Outcome.OUTDATED)

    wait_until(is_judged, "it is as published", 30)


def test_early_first_then_everybody_and_back(context, state, family, tmp_path):
    assert role_of(*AT_FIRST[0]) == "app-taarafo-early"
    assert choose_channel(context, family, "early").channel == "early"
    publish_by_command(state, TRIED, tmp_path, "--channel", "early", "--security")
    await_release(context, family, EARLY)

    refused = promote(state)
    assert refused.returncode != 0
    assert "has to run on early until" in refused.stderr
    back = choose_channel(context, context.store.get_community(family.id), "stable")
    assert "until stable has caught up" in explain_channel(context, back)
    with pytest.raises(UpgradeRefused):
        request_upgrade(context, back, requested_by="test")

    promoted = promote(state, "--at-once")
    assert promoted.returncode == 0, promoted.stderr
    assert STABLE in promoted.stdout
    await_release(context, family, STABLE)
    with context.releases.open() as reading:
        early, stable = reading.get(EARLY), reading.get(STABLE)
    assert early.model_copy(update={"channel": "stable"}) == stable
