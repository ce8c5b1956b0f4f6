"""Each thing that can be wrong with a machine is named, alone, with something to do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.core.diagnosis import diagnose, is_time_zone, judge_folder
from provisioner.models.machine import (
    ClockFacts,
    DockerFacts,
    FolderFacts,
    MachineFacts,
    PortFacts,
    PortHolder,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STATE = FolderFacts(Path("/var/lib/taarafo"), can_write=True, free_mb=9000)
DOCKER = DockerFacts("20.10.24", "1.41", "active", is_manager=True, live_restore=False)
CLOCK = ClockFacts(NOW, not_before=NOW - timedelta(days=1), hardware_offset=0.5)
GOOD = MachineFacts(
    python=(3, 11),
    is_root=True,
    system="debian",
    system_version="12",
    architecture="x86_64",
    memory_mb=2000,
    needed_mb=2048,
    state=STATE,
    cache=STATE,
    has_docker=True,
    docker_address="unix:///var/run/docker.sock",
    docker=DOCKER,
    can_stack=True,
    can_tunnel=True,
    ports=(PortFacts(8080, None, is_ours=False),),
    clock=CLOCK,
    finds_local_names=True,
)
NGINX = PortFacts(8080, PortHolder("nginx", 321), is_ours=False)


def test_nothing_is_wrong_with_a_good_machine():
    findings = diagnose(GOOD)
    assert len(findings) >= 10
    assert all(finding.ok for finding in findings)


@pytest.mark.parametrize(
    ("change", "title", "words"),
    [
        ({"python": (3, 10)}, "Python", "too old"),
        ({"is_root": False}, "Rights", "sudo"),
        ({"system": "fedora", "system_version": "43"}, "System", "Fedora 43"),
        ({"system_version": "11"}, "System", "Debian 12 or newer"),
        ({"system": "ubuntu", "system_version": "22.04"}, "System", "Ubuntu 24.04"),
        ({"architecture": "i686"}, "System", "64-bit"),
        ({"memory_mb": 512}, "Memory", "512 MB"),
        ({"state": replace(STATE, free_mb=100)}, "State folder", "100 MB free"),
        ({"cache": replace(STATE, can_write=False)}, "Cache folder", "may not write"),
        ({"docker": None}, "Docker", "does not answer"),
        ({"docker": None, "has_docker": False}, "Docker", "not installed"),
        ({"docker": replace(DOCKER, api="1.40")}, "Docker", "too old"),
        ({"docker": replace(DOCKER, live_restore=True)}, "Swarm", "live-restore"),
        ({"docker": replace(DOCKER, is_manager=False)}, "Swarm", "worker"),
        ({"docker": replace(DOCKER, swarm="locked")}, "Swarm", "unlock"),
        ({"can_stack": False}, "Layered files", "`overlay`"),
        ({"can_tunnel": False}, "Private networks", "`vxlan`"),
        ({"ports": (NGINX,)}, "Port 8080", "nginx (process 321)"),
        (
            {"clock": replace(CLOCK, not_before=NOW + timedelta(hours=1))},
            "Clock",
            "It is behind",
        ),
        ({"clock": replace(CLOCK, hardware_offset=-1000.0)}, "Clock", "17 minutes"),
    ],
)
def test_one_fault_gives_one_finding_with_advice(change, title, words):
    (finding,) = [f for f in diagnose(replace(GOOD, **change)) if not f.ok]
    assert finding.title == title
    assert words in f"{finding.sentence} {finding.advice}"
    assert finding.advice


@pytest.mark.parametrize(
    "change",
    [
        {"system": "ubuntu", "system_version": "24.04"},
        {"system": "ubuntu", "system_version": "26.04"},
        {"docker": replace(DOCKER, api="1.52", swarm="inactive", is_manager=False)},
        {"ports": (replace(NGINX, is_ours=True),)},
        {"clock": replace(CLOCK, hardware_offset=7200.0)},
        {"clock": replace(CLOCK, not_before=None, hardware_offset=None)},
        {"can_stack": None, "can_tunnel": None},
        {"finds_local_names": False},
    ],
)
def test_what_is_no_fault_is_not_called_one(change):
    assert all(finding.ok for finding in diagnose(replace(GOOD, **change)))


def test_what_could_not_be_tried_is_not_said_to_work():
    findings = diagnose(replace(GOOD, can_tunnel=None))
    (finding,) = [f for f in findings if f.title == "Private networks"]
    assert "could not try" in finding.sentence


def test_local_time_in_the_hardware_clock_is_no_fault():
    assert is_time_zone(-5 * 3600 + 3)
    assert is_time_zone(5.75 * 3600)
    assert not is_time_zone(20 * 3600)
    assert not is_time_zone(400)


@pytest.mark.parametrize(
    ("free", "total", "said"),
    [(2000, 10000, "The disk is 80 % full"), (2100, 10000, ""), (9000, 0, "")],
)
def test_a_disk_that_is_nearly_full_is_said_and_stops_nothing(free, total, said):
    found = judge_folder("State folder", replace(STATE, free_mb=free, total_mb=total), 1000)
    assert found.ok
    assert said in found.sentence
    assert bool(found.advice) is bool(said)
