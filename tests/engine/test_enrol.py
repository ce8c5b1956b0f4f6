"""A new key of the agent is published whole or not yet, wherever the publisher is stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.agent.publication import Publication
from provisioner.agent.rotate import (
    advance_rotation,
    confirm_rotation,
    list_rotations,
    open_signers,
    request_rotation,
)
from provisioner.agent.signing_key import load_signer, make_key
from provisioner.core.appraisal.agents import AgentList, read_agent_list
from provisioner.core.appraisal.dsse import append_signature, seal
from provisioner.engine.checks.check import check
from provisioner.engine.context import Context
from provisioner.engine.releases.enrol import agents_path, enrol_agents
from provisioner.engine.releases.publisher import open_publisher
from provisioner.engine.releases.rotate_agent import rotate_agent
from provisioner.errors import AgentKeyRefused, OperatorError, TookTooLong
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.log import LogSeen
from provisioner.models.verdict import Outcome
from provisioner.publishing.agents import list_agent_keys
from provisioner.publishing.create import create_publisher
from provisioner.settings import Settings
from tests.core.test_appraisal import ADDRESS, EVIDENCE, MANIFEST, NOW, RELEASE
from tests.fakes import FakeEngine
from tests.live.little_release import LittleReleases
from tests.publishing.place import run_until_killed

LATER = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Now(LittleReleases):
    """The little release, and the real log's word on the agents."""

    context: Context

    @property
    def log(self) -> LogSeen:
        host = load_signer(self.context.settings.agent_dir).public.host_id
        rows = tuple(list_agent_keys(open_publisher(self.context), host))
        return LogSeen("little/log", 5, "0" * 64, "none", {}, {host: rows})


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = Context(Settings(state=tmp_path / "state"))
    context.engine = FakeEngine()
    create_publisher(open_publisher(context), now=context.clock.now())
    load_signer(context.settings.agent_dir)
    enrol_agents(context)
    return context


def state_new_key(context: Context) -> None:
    """What the running agent does when it is asked."""
    folder = context.settings.agent_dir
    request_rotation(folder)
    advance_rotation(folder, open_signers(folder), LATER, lambda key: False)
    confirm_rotation(folder)


def settle(context: Context) -> None:
    """What the running agent does a moment later."""
    folder, publication = (
        context.settings.agent_dir,
        Publication(context.settings.evidence_dir, load_signer(context.settings.agent_dir)),
    )
    advance_rotation(folder, open_signers(folder), LATER, publication.lists)


def judge(context: Context) -> Outcome:
    """Of a report as the agent would sign it now."""
    signers = open_signers(context.settings.agent_dir)
    statement = EVIDENCE.statement().replace(
        b'"host":"h1"', b'"host":"%s"' % signers.current.public.host_id.encode()
    )
    envelope = seal(PAYLOAD_TYPE, statement, signers.current.key)
    if signers.waiting:
        envelope = append_signature(envelope, signers.waiting.key)
    releases = Now(RELEASE, MANIFEST)
    releases.context = context
    return check(
        ADDRESS,
        now=NOW,
        fetch=lambda *_: envelope,
        releases=releases,
        enrolled=lambda: read_agent_list(agents_path(context).read_bytes()),
    ).outcome


def test_the_agent_is_listed_and_logged_once(context: Context) -> None:
    signer = load_signer(context.settings.agent_dir)
    before = agents_path(context).read_bytes()
    assert read_agent_list(before) == AgentList((signer.public,))
    assert judge(context) == Outcome.GENUINE
    enrol_agents(context)
    assert agents_path(context).read_bytes() == before
    assert len(list_agent_keys(open_publisher(context), signer.public.host_id)) == 1


def test_a_new_key_and_its_statement_are_published(context: Context) -> None:
    first = load_signer(context.settings.agent_dir).public
    state_new_key(context)
    assert judge(context) == Outcome.GENUINE, "the old key counts until the new one does"
    listed = enrol_agents(context)
    assert judge(context) == Outcome.GENUINE
    settle(context)
    second = load_signer(context.settings.agent_dir).public
    assert second != first
    assert listed.agents == (second,)
    assert judge(context) == Outcome.GENUINE
    published = read_agent_list(agents_path(context).read_bytes())
    (stated,) = list_rotations(context.settings.agent_dir)
    assert published == AgentList((second,), (first,), (stated.decode(),))
    publisher = open_publisher(context)
    entries = publisher.open_log(publisher.read_state().root.signed).list_entries()
    assert [e.kind for e in entries if e.name == first.host_id] == ["agent", "rotation", "agent"]
    state_new_key(context)
    enrol_agents(context)
    settle(context)
    assert judge(context) == Outcome.GENUINE
    assert len(read_agent_list(agents_path(context).read_bytes()).rotations) == 2


def test_who_is_killed_at_any_moment_leaves_one_key_that_counts(context: Context) -> None:
    """The agent goes on by itself, and the next run finishes what was begun."""
    for point in range(1, 100):
        state_new_key(context)
        was_killed = run_until_killed(lambda: enrol_agents(context), point)
        assert judge(context) == Outcome.GENUINE, point
        settle(context)
        assert judge(context) == Outcome.GENUINE, point
        enrol_agents(context)
        settle(context)
        assert judge(context) == Outcome.GENUINE, point
        assert open_signers(context.settings.agent_dir).waiting is None
        if not was_killed:
            break
    assert point > 8


def test_a_key_that_the_old_one_did_not_sign_for_is_refused(context: Context) -> None:
    folder, before = context.settings.agent_dir, agents_path(context).read_bytes()
    (folder / "key.pem").unlink()
    make_key(folder / "key.pem")
    stranger = load_signer(folder).public
    with pytest.raises(AgentKeyRefused):
        enrol_agents(context)
    agents_path(context).unlink()
    with pytest.raises(AgentKeyRefused, match="another key"):
        enrol_agents(context)
    assert not agents_path(context).exists()
    agents_path(context).write_bytes(before)
    assert judge(context) == Outcome.REJECTED
    assert stranger.keyid not in before.decode()


def test_a_forged_statement_is_refused(context: Context) -> None:
    folder = context.settings.agent_dir
    state_new_key(context)
    statement = folder / "rotation-1.dsse"
    statement.write_bytes(statement.read_bytes().replace(b'"sig":"', b'"sig":"A', 1)[:-8] + b'"}]}')
    with pytest.raises(AgentKeyRefused):
        enrol_agents(context)
    assert len(read_agent_list(agents_path(context).read_bytes()).rotations) == 0


def test_the_command_says_when_the_agent_does_not_answer(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.engine.releases.rotate_agent.PATIENCE", 0.2)
    with pytest.raises(TookTooLong):
        rotate_agent(context, lambda _: None)
    assert judge(context) == Outcome.GENUINE
    assert not (context.settings.agent_dir / "rotate").exists()
    agents_path(context).unlink()
    with pytest.raises(OperatorError):
        rotate_agent(context, lambda _: None)
