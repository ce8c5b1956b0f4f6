"""Attacks on a running community, mounted by root of the host, and what a check says of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from provisioner.core.place import host_of, name_of
from provisioner.engine.checks.check_anywhere import check_anywhere
from provisioner.engine.context import Context
from provisioner.engine.operations import run_operation
from provisioner.models.verdict import Outcome
from provisioner.settings import ROOT
from tests.live.community import ask, erase, get, wait_until

pytestmark = pytest.mark.live
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
HONEST, PATCHED = b"There is nothing here", b"There is spyware here"


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


def settle(context, name):
    """A community that runs and was found genuine."""
    community, operation = ask(context, name)
    run_operation(context, operation.id)
    is_genuine = lambda: check_anywhere(context, community.address).outcome is Outcome.GENUINE  # noqa: E731
    wait_until(is_genuine, f"{name} is genuine")
    return context.store.get_community(community.id)


@pytest.mark.attack("a tag moved in the registry", "no effect")
def test_a_tag_that_leads_elsewhere_changes_nothing(context, state, engine):
    """Everything is fetched and compared by digest; nothing of ours ever asks for a tag."""
    release = context.releases.newest("taarafo")
    image = release.images["taarafo"]
    url = f"http://{state.registry}/v2/{image.repository}/manifests"
    honest = requests.get(f"{url}/{image.digest}", headers={"Accept": MANIFEST}, timeout=10)
    forged = honest.json() | {"annotations": {"moved": "yes"}}
    for tag in ("latest", release.version, "stable"):
        moved = requests.put(
            f"{url}/{tag}",
            data=json.dumps(forged),
            headers={"Content-Type": MANIFEST},
            timeout=10,
        )
        assert moved.status_code == 201
        assert moved.headers["Docker-Content-Digest"] != image.digest
    context.engine.remove_images(f"{state.registry}/{image.repository}")
    community = settle(context, "Unmoved")
    service = name_of(community, state.stack)
    asked = ["docker", "--host", engine.docker_host, "service", "inspect", service]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    running = json.loads(told)[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    assert running.endswith(f"@{image.digest}")
    assert run_operation(context, erase(context, community).id)


@pytest.mark.parametrize(
    ("off", "outcome"),
    [
        ("+2 minutes", Outcome.GENUINE),
        ("+6 minutes", Outcome.CLOCK_SKEW),
        ("-6 minutes", Outcome.CLOCK_SKEW),
        ("+1 day", Outcome.CLOCK_SKEW),
        ("-1 day", Outcome.CLOCK_SKEW),
    ],
)
@pytest.mark.attack("a clock that is off by a day", "CLOCK-SKEW")
def test_a_member_whose_clock_is_wrong(punctual, state, tmp_path, off, outcome):
    """The whole command runs under another clock (faketime(1)), and the server under its own."""
    environment = os.environ | {
        "TAARAFO_STATE": str(state.state),
        "TAARAFO_PORT": str(state.port),
        "DONT_FAKE_MONOTONIC": "1",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    root = ("--root", str(state.trust_dir / "root.json"), "--control", state.address)
    command = ["faketime", "-f", off.replace(" minutes", "m").replace(" day", "d")]
    command += [sys.executable, str(ROOT / "cli.py"), "check", punctual.address, "--json", *root]

    def ask() -> str:
        told = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        return str(json.loads(told.stdout)["outcome"])

    # a few questions are answered at once, then one in ten seconds: without an answer of its own a
    # check cannot tell an old report from a clock that is ahead
    wait_until(lambda: ask() == outcome, f"{off} is {outcome}", seconds=60)


@pytest.fixture(scope="module")
def punctual(context):
    return settle(context, "Punctual")


@pytest.mark.attack("memory patched", "GENUINE")
def test_what_is_changed_in_memory_alone_is_not_seen(context, state, engine):
    """The documented limit: the page that is served has changed, and the check says GENUINE."""
    community = settle(context, "Remembered")
    host = host_of(community)
    assert HONEST.decode() in get(state, host, "/")[1]
    service = name_of(community, state.stack)
    command = ["docker", "--host", engine.docker_host, "ps", "--quiet", "--filter"]
    command.append(f"label=com.docker.swarm.service.name={service}")
    (container,) = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.split()
    inspect = ["docker", "--host", engine.docker_host, "inspect", "-f", "{{.State.Pid}}", container]
    pid = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
    assert patch_memory(Path("/proc") / pid) > 0
    assert PATCHED.decode() in get(state, host, "/")[1], "the attack works"
    verdict = check_anywhere(context, community.address)
    assert verdict.outcome is Outcome.GENUINE
    assert "cannot prove" in verdict.summary
    assert run_operation(context, erase(context, community).id)


def patch_memory(process: Path) -> int:
    """Replace every HONEST in the writable memory of a process; returns how many there were."""
    count = 0
    with (process / "mem").open("r+b", buffering=0) as memory:
        for line in (process / "maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(each, 16) for each in span.split("-"))
            memory.seek(start)
            try:
                content = memory.read(end - start)
            except OSError:
                continue
            for found in re.finditer(re.escape(HONEST), content or b""):
                memory.seek(start + found.start())
                memory.write(PATCHED)
                count += 1
    return count
