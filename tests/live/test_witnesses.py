"""The worker has the witnesses of the log see it again by itself, and says so when it cannot."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from provisioner.core.tlog.cosignature import cosign, read_cosignature
from provisioner.core.tlog.note import read_note, read_vkey, write_note
from provisioner.engine.checks.attest import check_community
from provisioner.engine.context import Context
from provisioner.engine.machine.status import read_status
from provisioner.engine.releases.release_witnesses import (
    add_log_witness,
    describe_policy,
    remove_log_witness,
)
from provisioner.files import write_atomically
from provisioner.models.verdict import Outcome
from provisioner.witness.identity import load_key
from tests.live.breaking import docker
from tests.live.community import wait_until
from tests.live.relay import open_relay
from tests.witness.certificates import write_loopback_certificate
from tests.witness.running import witness_process

pytestmark = pytest.mark.live
NAME = "w.example/one"
A_MINUTE_AND_MORE = 100.0
HOUR = 3600


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture
def witness(context, state, engine, tmp_path):
    """A witness in a process of its own, and the door through which containers reach it."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    address = IPv4Address(docker(engine, "network", "inspect", "docker_gwbridge", "-f", gateway))
    certificate, _ = write_loopback_certificate(tmp_path / "tls", address)
    text = certificate.read_text()
    state.authorities_file.write_text(text[text.index("-----BEGIN CERTIFICATE") :])
    folder, log = tmp_path / "w", describe_policy(context)["log"]
    with (
        witness_process(folder, "--name", NAME, "--log", log) as running,
        open_relay(address, certificate, running.port) as relay,
    ):
        yield running, relay, load_key(folder / "key.pem")
    state.authorities_file.unlink()


def networks_of_worker(engine, state):
    spec = json.loads(docker(engine, "service", "inspect", f"{state.stack}-worker"))[0]["Spec"]
    listed = docker(engine, "network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}")
    names = dict(line.split() for line in listed.splitlines())
    found = {each["Target"] for each in spec["TaskTemplate"]["Networks"]}
    return {names.get(each, each) for each in found}


def served(state):
    return state.repository_dir / "log" / "checkpoint"


def age_cosignature(state, key, seconds):
    """As if the witness had seen the log last so long ago."""
    note = read_note(served(state).read_bytes())
    old = cosign(note.text, NAME, key, int(time.time()) - seconds)
    write_atomically(served(state), write_note(replace(note, signatures=(note.signatures[0], old))))


def told_of_witnesses(context):
    return [each for each in read_status(context).troubles if "Asking the witnesses" in each]


def test_the_log_is_seen_again_by_itself_and_a_lost_witness_is_told(
    context, state, engine, witness
):
    running, relay, key = witness
    vkey = read_vkey(running.vkey)

    def is_fresh():
        seen = read_cosignature(read_note(served(state).read_bytes()), vkey)
        return seen and time.time() - seen < 2 * A_MINUTE_AND_MORE

    def outcome_is(outcome):
        return lambda: check_community(context, state.address).outcome is outcome

    way_out = f"{state.stack}-witnesses"
    assert way_out not in networks_of_worker(engine, state)
    assert add_log_witness(context, "w1", running.vkey, relay.url, 1)["published"]
    assert way_out in networks_of_worker(engine, state)
    wait_until(outcome_is(Outcome.GENUINE), "it is good with its way out", A_MINUTE_AND_MORE)

    age_cosignature(state, key, 2 * HOUR)
    assert not is_fresh()
    wait_until(is_fresh, "the worker asked the witness", A_MINUTE_AND_MORE)
    verdict = check_community(context, state.address)
    assert verdict.outcome is Outcome.GENUINE, verdict
    assert "1 independent witness vouched for it" in str(verdict.findings)
    assert read_status(context).troubles == ()

    relay.is_open.clear()
    age_cosignature(state, key, 25 * HOUR)
    # what nobody has seen is not brought to anybody either: that may be told besides
    wait_until(lambda: told_of_witnesses(context), "it is told", A_MINUTE_AND_MORE)
    (trouble,) = told_of_witnesses(context)
    assert "The witness w1 did not cosign" in trouble
    verdict = check_community(context, state.address)
    assert verdict.outcome is Outcome.STALE
    assert "Too few witnesses have lately seen the public log" in str(verdict.findings)

    relay.is_open.set()
    wait_until(outcome_is(Outcome.GENUINE), "it is seen again", A_MINUTE_AND_MORE)
    wait_until(lambda: not read_status(context).troubles, "all is well", A_MINUTE_AND_MORE)

    assert remove_log_witness(context, "w1", 1)["published"]
    assert way_out not in networks_of_worker(engine, state)
    wait_until(outcome_is(Outcome.GENUINE), "it is good without one", A_MINUTE_AND_MORE)
