"""Parts, steps, endpoints, folders and keys are told as they are."""

from __future__ import annotations

import re

import pytest

from provisioner.core.appraisal.appraise import STEPS
from provisioner.engine.create_steps import CREATE_STEPS
from provisioner.engine.machine.prepare import plan_folders
from provisioner.engine.machine.status import SERVICES
from provisioner.engine.remove_steps import REMOVE_STEPS
from provisioner.publishing.create import APPS, SELF_BUILT, TOP_LEVEL
from provisioner.publishing.publisher import role_of
from provisioner.publishing.sign import lifetime_of
from provisioner.settings import Settings
from tests.docs.pages import find_rows, find_section, read
from web.api.router import ENDPOINTS


@pytest.mark.parametrize("plans", [CREATE_STEPS, REMOVE_STEPS], ids=["create", "remove"])
def test_every_step_of_an_operation_is_told_in_order(plans):
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", read("docs/architecture.md"), re.MULTILINE)
    numbered = [(str(n), plan.name) for n, plan in enumerate(plans, start=1)]
    assert [row for row in rows if row in numbered] == numbered
    assert len(rows) == len(CREATE_STEPS) + len(REMOVE_STEPS)


def test_every_step_of_a_check_is_told_in_order():
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", read("docs/checking.md"), re.MULTILINE)
    names = [(str(s.number), s.run.__name__.removeprefix("check_")) for s in STEPS]
    assert rows == names
    gates = ", ".join(str(step.number) for step in STEPS if step.is_gate)
    assert f"Steps {' and '.join(gates.rsplit(', ', 1))} are gates" in read("docs/checking.md")


def test_every_part_of_the_control_plane_is_told():
    assert set(SERVICES) <= set(find_rows(find_section(read("docs/architecture.md"), "The parts")))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
def test_every_endpoint_of_the_api_is_told(endpoint):
    assert f"{endpoint.method} {endpoint.path}" in find_rows(read("docs/api.md"))


def test_every_folder_of_the_state_is_told(tmp_path):
    settings = Settings(state=tmp_path)
    text = find_section(read("docs/operating.md"), "Where everything is")
    told = {row.split("/")[0] for row in find_rows(text)}
    inside = [folder["path"] for folder in plan_folders(settings)]
    parts = {
        p.removeprefix(f"{tmp_path}/").split("/")[0] for p in inside if str(tmp_path) + "/" in p
    }
    assert told == parts | {settings.control_plane_file.name}


def test_every_signing_key_is_told_with_its_threshold_and_time():
    rows = find_rows_of_keys(find_section(read("docs/operating.md"), "The signing keys"))
    roles = TOP_LEVEL | {role_of(*app): SELF_BUILT for app in APPS}
    for role, (count, threshold) in roles.items():
        must, good_for = rows[tuple(f"{role}-{n}.pem" for n in range(1, count + 1))]
        days = lifetime_of(role).days
        assert must.startswith(str(threshold))
        assert good_for == ("1 day" if days == 1 else f"{days} days")
    assert len(rows) == len(roles)


def find_rows_of_keys(text):
    """(files) → (how many must sign, good for)."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if ".pem` |" in line]
    return {
        tuple(re.findall(r"`([^`]+)`", cells[0])): (cells[2].strip(), cells[3].strip())
        for cells in lines
    }
