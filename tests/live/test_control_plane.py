"""The control plane is checked like a community: fresh it is GENUINE, and every change is named."""

from __future__ import annotations

import subprocess
import time

import pytest

from provisioner.engine.checks.attest import check_community
from provisioner.engine.checks.check_anywhere import check_anywhere
from provisioner.engine.context import Context
from provisioner.engine.machine.own_journal import find_standing
from provisioner.engine.machine.status import SERVICES, read_status
from provisioner.engine.machine.up import bring_up
from provisioner.engine.releases.release import ensure_own_release
from provisioner.models.evidence import CONTROL_PLANE
from provisioner.models.verdict import Outcome
from tests.live.breaking import docker
from tests.live.community import get, wait_until

pytestmark = pytest.mark.live
MS_REMOUNT = 32  # mount(2)
PLACE = "/srv/web/holding.py"
CHANGE = f"""
import ctypes
assert ctypes.CDLL(None).mount(None, b"/", None, {MS_REMOUNT}, None) == 0
with open("{PLACE}", "a") as file:
    file.write("# changed")
"""


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture
def await_outcome(context, state):
    """Waits for an outcome of the check of the control plane, and returns its findings."""

    def wait(outcome, seconds=120.0):
        verdicts = []

        def has_come():
            verdicts.append(check_community(context, state.address))
            return verdicts[-1].outcome is outcome

        wait_until(has_come, f"the control plane is {outcome}", seconds)
        return [f for f in verdicts[-1].findings if f.outcome is not Outcome.GENUINE]

    return wait


def container_of(engine, state, name):
    service = f"label=com.docker.swarm.service.name={state.stack}-{name}"
    return docker(engine, "ps", "-q", "--filter", service)


def releases_of(engine):
    label = '{{.Label "org.taarafo.release"}}'
    ours = f"label=org.taarafo.community={CONTROL_PLANE}"
    return docker(engine, "ps", "--format", label, "--filter", ours).splitlines()


def test_what_was_just_set_up_is_genuine(control_plane, context, state):
    assert control_plane.verdict == Outcome.GENUINE
    verdict = check_anywhere(context, state.address)
    assert verdict.outcome is Outcome.GENUINE, verdict
    assert verdict.release == "app/control/stable/1.0.0/release.json"
    told = " ".join(finding.detail for finding in verdict.findings)
    assert all(f"{name}: All " in told for name in SERVICES)
    status = read_status(context).as_json()
    assert status["verdict"] == Outcome.GENUINE
    page = get(state, "localhost", f"/check/{state.address}")
    assert page[0] == 200
    assert ">GENUINE</span>" in page[1]


def test_a_file_that_is_changed_in_a_part_is_named(await_outcome, engine, state):
    container = container_of(engine, state, "web")
    pid = docker(engine, "inspect", "--format", "{{.State.Pid}}", container)
    subprocess.run(["nsenter", f"--target={pid}", "--mount", "python3", "-c", CHANGE], check=True)
    findings = await_outcome(Outcome.MODIFIED, 300)
    files = [finding for finding in findings if finding.check == "files"]
    assert [finding.detail.partition(":")[0] for finding in files] == ["web"]
    assert PLACE in files[0].paths
    docker(engine, "service", "update", "--force", f"{state.stack}-web")
    await_outcome(Outcome.GENUINE)


def test_a_mount_that_is_added_to_a_part_is_named(await_outcome, engine, state, tmp_path):
    mount = f"type=bind,src={tmp_path},dst=/srv/extra,readonly"
    docker(engine, "service", "update", "--mount-add", mount, f"{state.stack}-queue")
    (finding,) = (f for f in await_outcome(Outcome.MODIFIED) if f.check == "mounts")
    assert finding.detail.startswith("queue: ")
    assert finding.paths == ("/srv/extra",)
    docker(engine, "service", "update", "--mount-rm", "/srv/extra", f"{state.stack}-queue")
    await_outcome(Outcome.GENUINE)


def test_a_variable_that_is_not_the_operators_to_decide_is_named(await_outcome, engine, state):
    edge = f"{state.stack}-edge"
    docker(engine, "service", "update", "--env-add", "BIND=127.0.0.1 127.0.0.2", edge)
    (finding,) = await_outcome(Outcome.MODIFIED)
    assert finding.detail == "edge: Variables differ from the release: BIND."
    docker(engine, "service", "update", "--env-add", "BIND=127.0.0.1 [::1]", edge)
    await_outcome(Outcome.GENUINE)


def test_a_part_that_is_left_out_is_named(await_outcome, context, state):
    context.engine.remove_service(f"{state.stack}-queue")
    (finding,) = await_outcome(Outcome.UNVERIFIABLE)
    assert finding.detail == "The service queue of the release is not in the report."
    assert bring_up(state, say=lambda _: None).verdict == Outcome.GENUINE


def test_what_was_built_otherwise_gets_a_version_of_its_own(await_outcome, context, state, engine):
    """As if Debian had replaced a package of the queue since the last `up`."""
    before = find_standing(state).release
    images = {**context.images, "queue": "queue@sha256:" + "0" * 64}
    release = ensure_own_release(context, images, say=lambda _: None)
    assert release.version == "1.0.1"
    findings = await_outcome(Outcome.OUTDATED)
    assert [finding.check for finding in findings] == ["version"]
    assert bring_up(state, say=lambda _: None).verdict == Outcome.GENUINE
    names = sorted([*[release.target] * (len(SERVICES) - 1), before])
    wait_until(
        lambda: sorted(releases_of(engine)) == names,
        "all parts but the edge, in which nothing else would change, bear the new name",
    )
    tasks = docker(engine, "ps", "-q", "--no-trunc")
    began = time.monotonic()
    assert bring_up(state, say=lambda _: None).verdict == Outcome.GENUINE
    assert time.monotonic() - began < 60
    assert docker(engine, "ps", "-q", "--no-trunc") == tasks
