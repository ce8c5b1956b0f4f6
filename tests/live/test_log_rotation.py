"""The public log of a running control plane takes a new key, and every check goes on."""

from __future__ import annotations

import pytest

from provisioner.engine.checks.attest import check_community
from provisioner.engine.checks.check_anywhere import check_anywhere
from provisioner.engine.checks.saved_check import judge_saved, open_saved
from provisioner.engine.context import Context
from provisioner.engine.releases.release import verify_published
from provisioner.engine.releases.release_keys import rotate_release_key
from provisioner.engine.releases.release_witnesses import describe_policy
from provisioner.engine.releases.rotate_agent import rotate_agent
from provisioner.models.verdict import Outcome
from tests.live.community import wait_until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


def test_after_it_all_is_checked_as_before(context, state, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before, root = describe_policy(context)["log"], state.trust_dir / "root.json"
    stranger = check_anywhere(context, state.address, control=state.address, root=root)
    assert stranger.outcome is Outcome.GENUINE, stranger
    assert rotate_release_key(context, "log", 1)["published"]
    after = describe_policy(context)["log"]
    assert after != before
    assert after.partition("+")[0] == before.partition("+")[0], "the name stays"
    assert check_community(context, state.address, is_asked=True).outcome is Outcome.GENUINE
    saved = tmp_path / "saved.json"
    stranger = check_anywhere(context, state.address, control=state.address, root=root, save=saved)
    assert stranger.outcome is Outcome.GENUINE, "one that was here before follows"
    assert judge_saved(context, open_saved(saved).saved, root).outcome is Outcome.GENUINE
    assert all(row["ok"] for row in verify_published(context))
    rotate_agent(context, lambda _: None)  # the new key signs what is logged from now on
    wait_until(
        lambda: check_community(context, state.address).outcome is Outcome.GENUINE, "it is good", 10
    )
