"""Services of the tests' own Swarm, changed and stopped while it changes them itself."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from provisioner.adapters.swarm import Swarm
from provisioner.models.service import Mount, ServiceSpec
from tests.live.breaking import docker
from tests.live.community import wait_until

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


CRASHING = "crashes-often"
CRASH = "open('/seen/starts', 'a').write('x'); raise SystemExit(1)"


@pytest.fixture
def crashing(swarm, engine, state, control_plane):
    """A service that ends as soon as it was started, and the file that counts how often it was."""
    web = f"{state.stack}-web"
    image = docker(
        engine, "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", web
    )
    seen = engine.folder / "seen"
    seen.mkdir(exist_ok=True)
    (seen / "starts").unlink(missing_ok=True)
    spec = ServiceSpec(
        CRASHING,
        image,
        entrypoint=("python3", "-c", CRASH),
        user="0:0",
        mounts=(Mount(str(seen), "/seen", read_only=False),),
    )
    yield spec, seen / "starts"
    swarm.remove_service(CRASHING)


@pytest.mark.parametrize("after", [0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
def test_what_crashed_is_not_started_again_once_it_has_stopped(swarm, crashing, after):
    """Swarm starts it again after a second. It was told to run none in that very moment, nothing
    ran, and a moment later the crashed version deleted what had just been put back."""
    spec, starts = crashing
    swarm.ensure_service(spec)
    wait_until(starts.exists, "it was started")
    wait_until(lambda: swarm.find_task(CRASHING).state == "ready", "it will be started again")
    time.sleep(after)
    swarm.stop_service(spec)
    wait_until(lambda: swarm.has_stopped(CRASHING), "it has stopped")
    before = starts.read_text()
    time.sleep(2)
    assert starts.read_text() == before
