"""A community's life on a real engine: made, checked, tampered with, killed at every step, gone."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provisioner.agent.door import PATH as CHALLENGE
from provisioner.core.appraisal.agents import read_agent_list
from provisioner.core.appraisal.report import open_envelope, read_statement
from provisioner.core.place import home_dir, host_of, name_of
from provisioner.engine.checks.attest import check_community
from provisioner.engine.checks.check_anywhere import check_anywhere
from provisioner.engine.context import Context
from provisioner.engine.create_steps import CREATE_STEPS
from provisioner.engine.keys import get_keys
from provisioner.engine.machine.down import bring_down
from provisioner.engine.machine.status import SERVICES, read_status
from provisioner.engine.machine.up import bring_up
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.engine.remove_steps import REMOVE_STEPS
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState
from provisioner.models.promise import Preset
from provisioner.models.verdict import Outcome
from tests.live.breaking import docker, restart_docker, run_doomed
from tests.live.community import ask, erase, get, wait_until

pytestmark = pytest.mark.live
MS_REMOUNT = 32  # mount(2)
CHANGE = f"""
import ctypes
assert ctypes.CDLL(None).mount(None, b"/", None, {MS_REMOUNT}, None) == 0
with open("/srv/app/posts.py", "a") as file:
    file.write("# changed")
"""


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture(scope="module")
def family(context):
    community, operation = ask(context, "The Smith Family")
    run_operation(context, operation.id)
    wait_until(
        lambda: is_done(context, operation),
        "the Smiths are there",
    )
    return context.store.get_community(community.id)


def is_done(context, operation):
    return context.store.get_operation(operation.id).state == OperationState.DONE


def container_of(engine, context, community):
    service = name_of(community, context.settings.stack)
    return docker(engine, "ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}")


# -- the control plane ---------------------------------------------------------------------------


def test_every_service_runs_and_the_wizard_answers(context, state):
    status = read_status(context)
    assert status.is_healthy, status.as_text()
    assert get(state, "localhost", "/")[0] == 200


def test_bringing_it_up_again_changes_nothing(context, state, engine):
    before = docker(engine, "service", "ls", "--format", "{{.ID}} {{.Image}}")
    tasks = docker(engine, "ps", "-q", "--no-trunc")
    files = {p: p.read_bytes() for p in state.repository_dir.rglob("*.json")}
    began = time.monotonic()
    bring_up(state, say=lambda _: None)
    assert time.monotonic() - began < 60
    assert docker(engine, "service", "ls", "--format", "{{.ID}} {{.Image}}") == before
    assert docker(engine, "ps", "-q", "--no-trunc") == tasks
    assert {p: p.read_bytes() for p in state.repository_dir.rglob("*.json")} == files


def test_the_web_has_no_docker_socket_and_nobody_has_more_rights_than_planned(engine, state):
    allowed = {"agent": {"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"}}
    for name in SERVICES:
        inspected = json.loads(docker(engine, "service", "inspect", f"{state.stack}-{name}"))[0]
        spec = inspected["Spec"]["TaskTemplate"]["ContainerSpec"]
        sources = [m["Source"] for m in spec.get("Mounts", ()) if m["Type"] == "bind"]
        has_socket = engine.docker_host.removeprefix("unix://") in sources
        assert has_socket == (name == "worker"), name
        assert spec["ReadOnly"] is True
        assert spec["CapabilityDrop"] == ["ALL"]
        assert set(spec.get("CapabilityAdd") or ()) == allowed.get(name, set())
        assert "@sha256:" in spec["Image"]


def test_no_secret_is_in_an_environment_or_an_argument(engine, state):
    values = [p.read_bytes().strip().decode() for p in state.keys_dir.iterdir()]
    for name in docker(engine, "service", "ls", "--format", "{{.Name}}").splitlines():
        inspected = docker(engine, "service", "inspect", name)
        assert not any(value in inspected for value in values), name


# -- one community -------------------------------------------------------------------------------


def test_it_is_open_hidden_and_checked(context, state, family):
    assert family.state == CommunityState.RUNNING
    host = host_of(family)
    assert get(state, host, "/")[0] == 404, "hidden from strangers"
    welcome = get_keys(context, family).signin_url.split(family.address)[1]
    status, page = get(state, host, welcome)
    assert status == 200
    assert "The Smith Family" in page
    assert family.verdict == Outcome.GENUINE, family.verdict_detail


def test_a_challenge_goes_through_the_edge_to_the_agent(context, family):
    question = json.dumps({"nonce": "n" * 32}).encode()
    began = time.monotonic()
    status, answer = context.gateway.post(host_of(family), CHALLENGE, question, {})
    assert status == 200, answer
    assert time.monotonic() - began < 2
    settings = context.settings
    published = settings.evidence_dir / settings.base_host / "agents.json"
    agents = read_agent_list(published.read_bytes()).agents
    evidence = read_statement(open_envelope(answer, agents)[1])
    assert (evidence.nonce, evidence.community) == ("n" * 32, family.id)
    (seen,) = evidence.containers
    assert (seen.execs, seen.seccomp) == (0, 2)
    status, own = context.gateway.post(settings.base_host, CHALLENGE, question, {})
    assert status == 200, own
    assert read_statement(open_envelope(own, agents)[1]).origin == settings.address
    assert context.gateway.post("nobody.localhost", CHALLENGE, question, {})[0] == 404


def test_a_host_nobody_made_is_answered_at_once(state):
    began = time.monotonic()
    assert get(state, "nobody.localhost", "/")[0] == 404
    assert get(state, "..%2f..%2fetc.localhost", "/")[0] in (400, 404)
    assert time.monotonic() - began < 2


def test_the_health_path_does_not_tell_strangers_that_it_is_there(state, family):
    assert get(state, host_of(family), "/healthz")[0] == 404


def test_without_connections_it_has_no_route_out(engine, context, family):
    container = container_of(engine, context, family)
    routes = docker(engine, "exec", container, "cat", "/proc/net/route").splitlines()[1:]
    assert not any(line.split()[1] == "00000000" for line in routes), routes


def test_it_runs_as_nobody_with_a_read_only_root(engine, context, family):
    container = container_of(engine, context, family)
    status = docker(engine, "exec", container, "cat", "/proc/1/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split()[0] == "10100"
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    with pytest.raises(subprocess.CalledProcessError):
        docker(engine, "exec", container, "touch", "/srv/x")


def test_docker_itself_refuses_to_change_a_file(engine, context, family, tmp_path):
    """The read-only root stops `docker cp` and `docker exec`; root of the host has other ways."""
    container = container_of(engine, context, family)
    (tmp_path / "posts.py").write_text("# not what was published")
    for command in (
        ["cp", str(tmp_path / "posts.py"), f"{container}:/srv/app/posts.py"],
        ["exec", "--user", "0", container, "sh", "-c", "echo >> /srv/app/posts.py"],
    ):
        with pytest.raises(subprocess.CalledProcessError):
            docker(engine, *command)


def test_a_file_that_is_changed_is_named(engine, context, family):
    container = container_of(engine, context, family)
    pid = docker(engine, "inspect", "--format", "{{.State.Pid}}", container)
    subprocess.run(["nsenter", f"--target={pid}", "--mount", "python3", "-c", CHANGE], check=True)

    def is_found():
        """MODIFIED alone would not say so: others were inside before."""
        verdict = check_anywhere(context, family.address)
        paths = {path for finding in verdict.findings for path in finding.paths}
        return verdict.outcome is Outcome.MODIFIED and "/srv/app/posts.py" in paths

    wait_until(is_found, "the change is found", 300)
    docker(engine, "service", "update", "--force", name_of(family, context.settings.stack))
    wait_until(
        lambda: check_community(context, family.address).outcome is Outcome.GENUINE,
        "a fresh container is genuine again",
    )


def test_removing_leaves_no_trace(engine, context, state):
    community, operation = ask(context, "Short lived", Preset.CLUB)
    run_operation(context, operation.id)
    wait_until(
        lambda: is_done(context, operation),
        "it is there",
    )
    assert get(state, host_of(community), "/")[0] == 200, "a club has a front page"
    removal = erase(context, community)
    run_operation(context, removal.id)
    wait_until(lambda: is_done(context, removal), "it is gone")
    assert_no_trace(context, community)
    assert get(state, host_of(community), "/")[0] == 404


def assert_no_trace(context, community):
    place = context.place
    assert context.engine.list_named(name_of(community, place.stack)) == []
    host = host_of(community)
    for folder in (home_dir(community, place), f"{place.edge_dir}/{host}"):
        assert not Path(folder).exists(), folder
    wait_until(lambda: not (Path(place.evidence_dir) / host).exists(), "its evidence is gone", 10)


def test_what_was_brought_down_comes_up_with_everything_in_it(context, state, engine, family):
    bring_down(context, lambda _: None)
    assert docker(engine, "service", "ls", "-q") == ""
    assert context.engine.find_task(name_of(family, state.stack)) is None
    assert bring_up(state, say=lambda _: None).not_started == ()
    welcome = get_keys(context, family).signin_url.split(family.address)[1]
    wait_until(
        lambda: "The Smith Family" in get(state, host_of(family), welcome)[1], "it is open again"
    )
    wait_until(
        lambda: check_community(context, family.address).outcome is Outcome.GENUINE, "it is genuine"
    )


# -- killed at every step ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(context, state):
    """A context whose leases end after a second, with the deployed worker at rest meanwhile."""
    context.engine.remove_service(f"{state.stack}-worker")
    quick = Context(state.model_copy(update={"lease_seconds": 1.0}))
    yield quick
    bring_up(state, say=lambda _: None)


def continue_it(context, operation):
    wait_until(lambda: operation.id in context.store.list_stranded(context.clock.now()), "its turn")
    assert run_stranded(context) >= 1
    return context.store.get_operation(operation.id)


@pytest.mark.parametrize("step", [plan.name for plan in CREATE_STEPS])
def test_a_worker_killed_while_it_creates_is_continued(impatient, state, step):
    community, operation = ask(impatient, f"Killed at {step}")
    run_doomed(state, operation, step)
    assert continue_it(impatient, operation).state == OperationState.DONE
    living = impatient.store.get_community(community.id)
    assert living.state == CommunityState.RUNNING
    welcome = get_keys(impatient, living).signin_url.split(living.address)[1]
    assert get(state, host_of(living), welcome)[0] == 200
    names = impatient.engine.list_named(name_of(living, state.stack))
    assert sum(name.startswith("service:") for name in names) == 1, names
    assert run_operation(impatient, erase(impatient, living).id)
    assert_no_trace(impatient, community)


@pytest.mark.parametrize("step", [plan.name for plan in REMOVE_STEPS])
def test_a_worker_killed_while_it_removes_is_continued(impatient, state, step):
    community, operation = ask(impatient, f"Going at {step}")
    assert run_operation(impatient, operation.id)
    removal = erase(impatient, community)
    run_doomed(state, removal, step)
    assert continue_it(impatient, removal).state == OperationState.DONE
    assert_no_trace(impatient, community)


# -- parts that are down -------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["registry", "queue", "edge"])
def test_a_part_that_is_down_is_waited_for(context, state, part):
    """The registry's absence is felt where the image is not here yet, so it is taken away too."""
    context.engine.remove_service(f"{state.stack}-{part}")
    if part == "registry":
        context.engine.remove_images(f"{state.registry}/taarafo/taarafo")
    community, operation = ask(context, f"Without {part}")
    with ThreadPoolExecutor(1) as hand:
        carried = hand.submit(run_operation, context, operation.id)
        time.sleep(4)
        now = context.store.get_operation(operation.id)
        if part == "edge":
            assert now.state == OperationState.WAITING
            assert now.message.startswith("We are waiting for")
        bring_up(state, say=lambda _: None)
        carried.result(120)
    wait_until(
        lambda: is_done(context, operation),
        "it went on by itself",
    )
    assert run_operation(context, erase(context, community).id)


def test_docker_killed_in_the_middle_is_waited_for(engine, context, family):
    community, operation = ask(context, "Through the storm")
    with ThreadPoolExecutor(1) as hand:
        carried = hand.submit(run_operation, context, operation.id)
        wait_until(
            lambda: any(s.name == "start_service" for s in context.store.list_steps(operation.id)),
            "it has begun",
        )
        restart_docker(engine)
        carried.result(180)
    wait_until(lambda: is_done(context, operation), "it is done")
    assert context.store.get_community(community.id).state == CommunityState.RUNNING
    assert run_operation(context, erase(context, community).id)
