"""What `up` wrote down, read by a command on the host and by the worker inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.engine.context import Context
from provisioner.engine.machine.ground import record_deployed
from provisioner.errors import OperatorError
from provisioner.settings import Settings

IMAGES = {n: f"{n}@sha256:" + "a" * 64 for n in ("base", "control")}


def test_communities_are_put_where_the_host_has_its_state(tmp_path):
    """The worker sees the state folder at another path than the engine that it asks."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    record_deployed(Context(Settings(state=outside)), IMAGES)
    inside.symlink_to(outside)
    place = Context(Settings(state=inside)).place
    assert place.state == str(outside)
    assert Path(place.communities_dir).parent == Path(place.edge_dir).parent == outside
    assert place.tools_image == IMAGES["base"]


def test_what_an_earlier_version_wrote_down_is_enough(tmp_path):
    settings = Settings(state=tmp_path)
    settings.control_plane_file.write_text(json.dumps({"images": IMAGES}))
    assert Context(settings).place.evidence_dir == str(tmp_path / "evidence")


def test_before_up_there_is_no_place(tmp_path):
    with pytest.raises(OperatorError):
        _ = Context(Settings(state=tmp_path)).place
