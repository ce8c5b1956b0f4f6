"""Every reader of JSON from strangers, fed with nearly right values: it reads or refuses them.

The readers of the log's formats are in tests/core/tlog/test_strangers.py.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.agent.question import read_question
from provisioner.core.appraisal.agents import read_agent_list, row_of
from provisioner.core.appraisal.appraise import appraise
from provisioner.core.appraisal.dsse import read_envelope, seal
from provisioner.core.appraisal.report import read_statement
from provisioner.core.appraisal.saved import read_saved, write_saved
from provisioner.core.provenance import read_provenance
from provisioner.core.rebuilders import Rebuilder, RebuildPolicy, read_policy, write_policy
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.release import Release
from provisioner.models.saved_check import ReleaseCopy, SavedCheck
from tests.core.test_appraisal import ADDRESS, CASE, EVIDENCE, NOW, RELEASE, sign
from tests.core.test_appraisal_dsse import KEY, public_of
from tests.core.tlog.golden import nearly

SAVED = SavedCheck(
    ADDRESS, "2026-05-01T12:00:00Z", "n" * 32, sign(EVIDENCE).decode(), "[]",
    ReleaseCopy(
        ("{}",), "{}", "app-little-stable", "{}", RELEASE.target, "{}", {"app": ""}, "", (),
    ),
)  # fmt: skip
SAMPLES: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "statement": (read_statement, EVIDENCE.statement()),
    "envelope": (read_envelope, sign(EVIDENCE)),
    "agents": (read_agent_list, b'{"agents": [%b]}' % row_of(public_of(KEY))),
    "saved check": (read_saved, write_saved(SAVED)),
    "question": (read_question, json.dumps({"nonce": "n" * 32, "full": True}).encode()),
    "release": (Release.from_bytes, RELEASE.to_bytes()),
    "rebuilders": (read_policy, write_policy(RebuildPolicy((Rebuilder.of("ann", KEY),), 1))),
}
LEAVES = st.sampled_from(
    [None, True, False, 0, -1, 2**53, 10**30, 1.5, "", "/", "\0", "../..", "\ud800", [], {}, [[]]]
)


def list_places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON value, itself first."""
    yield way
    pairs = value.items() if isinstance(value, dict) else ()
    for key, each in pairs or (enumerate(value) if isinstance(value, list) else ()):
        yield from list_places(each, (*way, key))


@st.composite
def nearly_json(draw: st.DrawFn, raw: bytes) -> bytes:
    """The same with one value lost, doubled, or replaced by one of another kind."""
    value = json.loads(raw)
    *above, last = draw(st.sampled_from([way for way in list_places(value) if way]))
    inside = value
    for key in above:
        inside = inside[key]
    match draw(st.sampled_from(["lost", "doubled", "other"])):
        case "lost":
            del inside[last]
        case "doubled":
            inside[last] = [inside[last], inside[last]]
        case "other":
            inside[last] = draw(LEAVES)
    return json.dumps(value).encode()


def refuses(read: Callable[[bytes], Any], raw: bytes) -> bool:
    try:
        read(raw)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_is_read(name: str) -> None:
    read, raw = SAMPLES[name]
    assert not refuses(read, raw)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=150)
@given(data=st.data())
def test_nearly_right_bytes_are_read_or_refused(name: str, data: st.DataObject) -> None:
    read, raw = SAMPLES[name]
    refuses(read, data.draw(nearly(raw)))
    refuses(read, data.draw(nearly_json(raw)))
    refuses(read, data.draw(st.binary(max_size=60)))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b"\xff\xfe{}",
        b'{"a":1e999}',
    ],
    ids=["nothing", "null", "lists", "objects", "a long number", "no UTF-8", "endless"],
)  # fmt: skip
def test_what_breaks_careless_readers_is_refused(name: str, raw: bytes) -> None:
    assert refuses(SAMPLES[name][0], raw)


@given(st.binary(max_size=200))
def test_any_payload_is_a_provenance_or_refused(payload: bytes) -> None:
    assert refuses(read_provenance, payload)


@settings(max_examples=300)
@given(data=st.data())
def test_a_report_that_an_agent_should_not_sign_never_breaks_the_check(data: st.DataObject) -> None:
    """Whatever an enrolled key signs, there is a verdict, and it is the step's own, not a crash."""
    payload = data.draw(nearly_json(EVIDENCE.statement()))
    verdict = appraise(replace(CASE, envelope=seal(PAYLOAD_TYPE, payload, KEY)), NOW)
    assert "appraisal" not in {finding.check for finding in verdict.findings}, verdict


@given(data=st.data())
def test_a_release_that_nobody_should_publish_never_breaks_the_check(data: st.DataObject) -> None:
    raw = data.draw(nearly_json(RELEASE.to_bytes()))
    if refuses(Release.from_bytes, raw):
        return
    reference = replace(CASE.reference, release=Release.from_bytes(raw))
    verdict = appraise(replace(CASE, reference=reference), NOW)
    assert "appraisal" not in {finding.check for finding in verdict.findings}, verdict


def test_the_saved_sample_holds_what_was_sealed() -> None:
    envelope = json.loads(read_saved(write_saved(SAVED)).envelope)
    assert base64.b64decode(envelope["payload"]) == EVIDENCE.statement()
    assert asdict(read_saved(write_saved(SAVED))) == asdict(SAVED)
