"""What the list of agents says next, and what it refuses to say."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentList, hash_row
from provisioner.core.appraisal.enrolment import keep_hosts, plan_agent_list, plan_announcement
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of
from tests.core.test_rotation import NEW, NEWER, rotate

FIRST, SECOND, THIRD = public_of(KEY), public_of(NEW), public_of(NEWER)
ONE, TWO = rotate(KEY, NEW), rotate(NEW, NEWER)
BEFORE = AgentList((FIRST,))


def listing(*keys: Ed25519PrivateKey, stated: tuple[bytes, ...]) -> AgentList:
    agents = tuple(public_of(key) for key in keys)
    return AgentList(agents, (FIRST,), tuple(raw.decode() for raw in stated))


def logged(*keys: Ed25519PrivateKey) -> list[str]:
    return [hash_row(public_of(key)) for key in keys]


def test_a_host_that_is_not_known_is_enrolled() -> None:
    assert plan_agent_list(AgentList(), FIRST, []) == AgentList((FIRST,), (FIRST,))
    second = public_of(OTHER, "h2")
    both = plan_agent_list(BEFORE, second, [])
    assert both == AgentList((FIRST, second), (FIRST, second))
    assert plan_announcement(BEFORE, both, {}) is None
    rotated = plan_agent_list(both, SECOND, [ONE])
    assert rotated == AgentList((SECOND, second), (FIRST, second), (ONE.decode(),))


def test_a_host_that_is_not_there_any_more_is_listed_no_more() -> None:
    second = public_of(OTHER, "h2")
    both = AgentList((SECOND, second), (FIRST, second), (ONE.decode(),))
    assert keep_hosts(both, {"h2"}) == AgentList((second,), (second,))
    assert keep_hosts(both, {"h1"}) == AgentList((SECOND,), (FIRST,), (ONE.decode(),))


def test_what_it_was_before_it_was_enrolled_is_not_told() -> None:
    assert plan_agent_list(AgentList(), SECOND, [ONE]) == AgentList((SECOND,), (SECOND,))
    enrolled = plan_agent_list(AgentList(), SECOND, [ONE, TWO])
    assert enrolled == AgentList((THIRD,), (SECOND,), (TWO.decode(),))


def test_the_same_again_changes_nothing() -> None:
    listed = plan_agent_list(BEFORE, FIRST, [])
    assert listed == AgentList((FIRST,), (FIRST,))
    assert plan_announcement(BEFORE, listed, {"h1": logged(KEY)}) is None
    assert plan_agent_list(listing(NEW, stated=(ONE,)), SECOND, [ONE]) == listing(
        NEW, stated=(ONE,)
    )


@pytest.mark.parametrize("made", [FIRST, SECOND])
def test_a_key_that_the_listed_one_signed_for_takes_its_place(made: object) -> None:
    """Whether the agent has left the old one already or waits for this."""
    listed = plan_agent_list(BEFORE, made, [ONE])  # type: ignore[arg-type]
    assert listed == listing(NEW, stated=(ONE,))
    assert plan_announcement(BEFORE, listed, {"h1": logged(KEY)}) == listing(KEY, stated=(ONE,))
    assert plan_agent_list(listed, SECOND, [ONE, TWO]) == listing(NEWER, stated=(ONE, TWO))


def test_a_key_that_nobody_signed_for_is_refused() -> None:
    with pytest.raises(ValueError, match="signed for"):
        plan_agent_list(BEFORE, SECOND, [])
    with pytest.raises(ValueError, match="no enrolled agent"):
        plan_agent_list(BEFORE, SECOND, [rotate(OTHER, NEW)])
    with pytest.raises(ValueError, match="no enrolled agent"):
        plan_agent_list(listing(NEW, stated=(ONE,)), THIRD, [ONE, rotate(KEY, NEWER)])
    with pytest.raises(ValueError, match="signed for"):
        plan_agent_list(listing(NEW, stated=(ONE,)), public_of(OTHER), [ONE])


def test_the_log_is_never_contradicted() -> None:
    """As when the published list was lost, and a stranger's agent is there now."""
    listed = plan_agent_list(AgentList(), SECOND, [])
    assert plan_announcement(AgentList(), listed, {"h1": []}) is None
    for known in (logged(KEY), logged(KEY, NEW), logged(OTHER)):
        with pytest.raises(ValueError, match="another key"):
            plan_announcement(AgentList(), listed, {"h1": known})
    assert plan_announcement(AgentList(), listed, {"h1": logged(NEW)}) is None
