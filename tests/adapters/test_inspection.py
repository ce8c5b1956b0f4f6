"""Facts of this very machine; what the kernel can do is tried for real."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters.inspection import inspect_machine
from provisioner.adapters.kernel_trials import (
    NEW_NETWORK,
    can_stack,
    can_tunnel,
    make_device,
    try_apart,
)
from provisioner.engine.machine.doctor import diagnose_machine
from provisioner.settings import Settings


def make_settings(folder: Path, **more: object) -> Settings:
    nowhere = f"unix://{folder}/none.sock"
    return Settings(**{"state": folder / "s", "cache": folder / "c", "docker_host": nowhere} | more)


def test_facts_of_this_machine(tmp_path):
    facts = inspect_machine(make_settings(tmp_path))
    assert facts.memory_mb > 100
    assert facts.state.path == tmp_path / "s"
    assert facts.state.can_write
    assert facts.docker is None
    assert facts.clock.not_before is None
    assert not (tmp_path / "s").exists()


def test_taken_port_is_a_finding(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        findings = diagnose_machine(make_settings(tmp_path, port=port))
    (finding,) = [f for f in findings if f.title == f"Port {port}"]
    assert f"(process {os.getpid()})" in finding.sentence


def test_clock_behind_our_own_signatures_is_a_finding(tmp_path):
    metadata = tmp_path / "s" / "releases" / "metadata"
    metadata.mkdir(parents=True)
    expires = datetime.now(UTC) + timedelta(days=1, hours=2)
    signed = {"signed": {"expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}}
    (metadata / "timestamp.json").write_text(json.dumps(signed))
    (finding,) = [f for f in diagnose_machine(make_settings(tmp_path)) if f.title == "Clock"]
    assert not finding.ok


@pytest.mark.live
def test_engine_describes_itself(engine, state):
    facts = inspect_machine(state)
    assert facts.docker is not None
    assert (facts.docker.swarm, facts.docker.is_manager) == ("active", True)
    assert float(facts.docker.api) >= 1.41


def list_mounts():
    """Without Docker's own, which it makes whenever it likes."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if "/exec/netns/" not in line]


@pytest.mark.live
def test_kernel_trials_succeed_where_docker_works_and_leave_nothing(engine):
    mounts = list_mounts()
    assert can_stack(engine.folder) is True
    assert can_tunnel() is True
    assert list_mounts() == mounts
    assert "trial" not in {name for _, name in socket.if_nameindex()}
    assert not list(engine.folder.glob("taarafo-trial-*"))


@pytest.mark.live
def test_kernel_that_lacks_a_kind_of_device_is_found_out():
    assert try_apart(NEW_NETWORK, lambda: make_device(b"nonsense")) is False
