"""Services of the tests' own Swarm, changed while it changes them itself."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from provisioner.adapters.swarm import Swarm
from provisioner.models.service import ServiceSpec

pytestmark = pytest.mark.live
NAME = "changed-often"
# no replicas: Swarm looks for no such program, yet each change is one of the service
SPEC = ServiceSpec(NAME, f"nowhere@sha256:{0:064}", replicas=0)


@pytest.fixture
def swarm(engine):
    swarm = Swarm(engine.docker_host)
    yield swarm
    swarm.remove_service(NAME)


def test_what_swarm_changed_since_we_looked_is_looked_at_again(swarm, engine):
    """Without that, an own upgrade was put back because an update of before ended meanwhile."""
    swarm.ensure_service(SPEC)
    refused = []

    def change(who):
        mine = Swarm(engine.docker_host)
        for number in range(25):
            try:
                mine.ensure_service(replace(SPEC, environment={"TURN": f"{who} {number}"}))
            except Exception as error:
                refused.append(error)

    writers = [threading.Thread(target=change, args=(who,)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert refused == []
