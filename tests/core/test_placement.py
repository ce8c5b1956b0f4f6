"""Which hosts a community is said to run on: every one where a task of it may be."""

from __future__ import annotations

import pytest

from provisioner.core.placement import HOSTS, find_hosts, label_hosts, pin
from provisioner.models.service import Node, ServiceSpec

HERE = Node("n1", "one", "manager", "h1", is_here=True)
THERE = Node("n2", "two", "worker", "h2")
NEW = Node("n3", "three", "worker")


def spec(*constraints: str) -> ServiceSpec:
    return ServiceSpec("x", "x@sha256:0", constraints=constraints)


@pytest.mark.parametrize(
    ("constraints", "hosts"),
    [
        ((), ("h1", "h2")),
        (("node.id==n1",), ("h1",)),
        (("node.role==worker",), ("h2",)),
        (("node.role != worker",), ("h1",)),
        (("node.hostname==two",), ("h2",)),
        (("node.role==worker", "node.id!=n2"), ()),
        (("node.labels.disk==fast",), ("h1", "h2")),
    ],
)
def test_those_where_a_task_may_run(constraints: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    assert find_hosts(spec(*constraints), [THERE, HERE]) == hosts


def test_a_node_that_nobody_looks_after_is_named_by_its_own_id() -> None:
    assert find_hosts(spec(), [HERE, NEW]) == ("h1", "n3")
    assert find_hosts(spec(*pin([HERE, NEW])), [HERE, NEW]) == ("h1",)


def test_before_any_agent_is_enrolled_nothing_is_said() -> None:
    assert label_hosts(spec(), [NEW]) == label_hosts(spec(), []) == {}
    assert label_hosts(spec(), [HERE, THERE]) == {HOSTS: "h1,h2"}
