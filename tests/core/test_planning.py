"""A Plan is compared as a value: no Docker, no clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.core.names import LONGEST
from provisioner.core.node_jobs import plan_erase
from provisioner.core.place import TWIN, Place
from provisioner.core.planning import facts_for_templates, plan_community, plan_fetch
from provisioner.core.promises import PRESETS, SENTENCES, describe_promises, plan_promises
from provisioner.core.rendering import render_templates
from provisioner.errors import RenderFailed
from provisioner.models.community import Community
from provisioner.models.promise import Preset
from provisioner.models.service import Node
from tests.fakes import START, make_release

PLACE = Place(
    stack="taarafo",
    registry="127.0.0.1:5000",
    tools_image="base@sha256:" + "c" * 64,
    node_image="control@sha256:" + "d" * 64,
    keeper_image="keeper@sha256:" + "e" * 64,
    backup_dir="/backups",
    state="/var/lib/taarafo",
    edge_dir="/var/lib/taarafo/edge",
    evidence_dir="/var/lib/taarafo/evidence",
    communities_dir="/var/lib/taarafo/communities",
    control_url="http://localhost:8080",
)


def make_community(label="smith-family", name="The Smiths", **promised):
    promises = plan_promises(Preset.FAMILY).model_copy(update=promised)
    return Community(
        id="1a2b3c4d" * 4,
        label=label,
        address=f"{label}.localhost:8080",
        name=name,
        founder="Ann",
        preset="family",
        promises=promises.model_dump(mode="json"),
        app="taarafo",
        channel="stable",
        created_at=START,
    )


def plan(community):
    release = make_release()
    facts = facts_for_templates(community, release, PLACE)
    rendered = render_templates(release.templates, facts)
    return plan_community(community, release, rendered, PLACE)


def test_the_app_runs_under_the_contract():
    service = plan(make_community()).service
    assert service.read_only
    assert service.capabilities == ()
    assert service.user.startswith("10100:")
    assert (service.limits.memory_mb, service.limits.pids) == (192, 128)
    assert {m.target for m in service.mounts} == {"/data", "/run/edge"}
    assert all("1a2b3c4d" in m.source or "smith-family" in m.source for m in service.mounts)
    assert service.host_ports == ()
    assert "@sha256:" in service.image


def test_the_serving_app_never_sees_the_owners_secret():
    made = plan(make_community())
    assert not any("owner" in ref.name for ref in made.service.secrets)
    assert any("owner" in ref.name for ref in made.owner.service.secrets)


@pytest.mark.parametrize("preset", list(Preset))
def test_every_preset_is_said_in_sentences(preset):
    sentences = describe_promises(PRESETS[preset])
    assert len(sentences) == len(SENTENCES)
    assert all(sentence.endswith(".") for _, sentence in sentences)


def test_the_longest_address_still_fits_swarms_names():
    made = plan(make_community(label="a" * LONGEST))
    names = [made.name, made.prepare.service.name, made.owner.service.name, made.network]
    assert max(map(len, names)) <= 63
    assert all(len(f"{made.name}-{s}") <= 64 for s in made.secrets)
    assert all(len(config) <= 64 for config in made.configs)


def test_what_runs_as_the_twin_is_another_service_with_the_same_things_and_jobs():
    community = make_community(label="a" * LONGEST)
    one = plan(community)
    community.runs_as = TWIN
    twin = plan(community)
    assert twin.service == replace(one.service, name=f"{one.name}-twin")
    assert len(twin.service.name) <= 63
    assert replace(twin, service=one.service) == one
    assert plan_fetch(twin.service).service.name == f"{one.name}-fetch"


def test_erasing_touches_this_community_alone():
    command = plan_erase(make_community(), PLACE).service.command
    folders = command[command.index("--") + 1 :]
    assert len(folders) == 4
    for folder in folders:
        assert folder.endswith(("1a2b3c4d" * 4, "smith-family.localhost"))


@pytest.mark.parametrize("name", ['"quoted"', "back\\slash", "new\nline", "{{ 7 * 7 }}", "😀 <b>"])
def test_no_name_can_change_the_shape_of_a_config(name):
    import tomllib

    (content,) = plan(make_community(name=name)).configs.values()
    assert tomllib.loads(content.decode()) == {"name": name}


def test_an_unknown_name_in_a_template_is_an_error_that_names_it():
    with pytest.raises(RenderFailed) as failed:
        render_templates({"a.toml.j2": "{{ community.colour }}"}, {"community": {}})
    assert "colour" in failed.value.explain()


def test_a_template_cannot_reach_into_python():
    with pytest.raises(RenderFailed):
        render_templates({"a.j2": "{{ ''.__class__.__mro__ }}"}, {})


def test_it_stays_on_the_node_that_has_its_data_and_names_that_host():
    nodes = (Node("n1", "one", "manager", "h1", is_here=True), Node("n2", "two", "worker", "h2"))
    place = replace(PLACE, nodes=nodes)
    community, release = make_community(), make_release()
    rendered = render_templates(release.templates, facts_for_templates(community, release, place))
    made = plan_community(community, release, rendered, place)
    specs = [made.service, made.prepare.service, made.owner.service]
    specs.append(plan_erase(community, place).service)
    assert {spec.constraints for spec in specs} == {("node.id==n1",)}
    assert made.service.labels["org.taarafo.hosts"] == "h1"
    assert "org.taarafo.hosts" not in plan(community).service.labels
