"""Prepare a machine: packages, Docker and the folders, by a playbook that may be repeated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from provisioner.core.control_plane import CONTROL_UID, EDGE_UID, REGISTRY_UID
from provisioner.ports import Playbooks
from provisioner.settings import Settings

ENGINE_PACKAGES = ["docker.io", "iptables", "apparmor", "ca-certificates"]
BUILD_PACKAGES = ["mmdebstrap", "buildah", "skopeo", "debian-archive-keyring"]
TEST_PACKAGES = [
    "chromium", "faketime", "fonts-dejavu-core", "fonts-noto-core", "iproute2", "restic",
    "util-linux",
]  # fmt: skip
USUAL_ENGINE = "unix:///var/run/docker.sock"
ROOT_UID = 0


class Folder(TypedDict):
    path: str
    owner: int
    mode: str


def prepare_host(settings: Settings, say: Callable[[str], None]) -> int:
    """Make this machine ready; returns how many things changed. Raises HostNotPrepared."""
    variables = {
        "manages_engine": settings.docker_host == USUAL_ENGINE,
        "docker_socket": settings.docker_host.removeprefix("unix://"),
        "engine_packages": ENGINE_PACKAGES,
        "build_packages": BUILD_PACKAGES,
        "folders": plan_folders(settings),
    }
    return open_playbooks().run("prepare_host", variables, say)


def prepare_tests(say: Callable[[str], None]) -> int:
    """Install what the tests need; returns how many things changed. Raises HostNotPrepared."""
    variables = {
        "engine_packages": ENGINE_PACKAGES,
        "build_packages": BUILD_PACKAGES,
        "test_packages": TEST_PACKAGES,
    }
    return open_playbooks().run("prepare_tests", variables, say)


def open_playbooks() -> Playbooks:
    """Ansible is large, so it is loaded only by those who prepare a machine."""
    from provisioner.adapters.ansible import AnsiblePlaybooks

    return AnsiblePlaybooks()


def plan_folders(settings: Settings) -> list[Folder]:
    """Parents belong to root; each part to the one user whose program writes it."""
    return [
        make_folder(settings.state, ROOT_UID, "0755"),
        make_folder(settings.cache, ROOT_UID, "0755"),
        make_folder(settings.db_dir, CONTROL_UID, "0700"),
        make_folder(settings.edge_dir, ROOT_UID, "0711"),
        make_folder(settings.gateway_socket.parent, EDGE_UID, "0755"),
        make_folder(settings.evidence_dir, ROOT_UID, "0755"),
        make_folder(settings.communities_dir, ROOT_UID, "0711"),
        make_folder(settings.repository_dir, ROOT_UID, "0755"),
        make_folder(settings.publisher_dir, ROOT_UID, "0700"),
        make_folder(settings.trust_dir, CONTROL_UID, "0755"),
        make_folder(settings.keys_dir, ROOT_UID, "0700"),
        make_folder(settings.agent_dir, ROOT_UID, "0700"),
        make_folder(settings.agent_door_dir, ROOT_UID, "0755"),
        make_folder(settings.hosts_dir, ROOT_UID, "0755"),
        make_folder(settings.backups_dir, ROOT_UID, "0700"),
        make_folder(settings.upgrade_dir, ROOT_UID, "0700"),
        make_folder(settings.registry_dir, REGISTRY_UID, "0700"),
    ]


def make_folder(path: Path, owner: int, mode: str) -> Folder:
    return {"path": str(path), "owner": owner, "mode": mode}
