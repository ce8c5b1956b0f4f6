"""The header that asks a slot before it is open is obeyed by the gateway alone."""

from __future__ import annotations

import http.client

import pytest

from provisioner.core.place import host_of
from provisioner.engine.context import Context
from provisioner.engine.operations import run_operation
from provisioner.models.promise import Preset
from tests.live.community import ask, erase

pytestmark = pytest.mark.live


@pytest.fixture
def club(control_plane, state):
    context = Context(state)
    community, operation = ask(context, "Two Doors", Preset.CLUB)
    run_operation(context, operation.id)
    yield context, community
    run_operation(context, erase(context, community).id)


def get_by_tcp(state, host, door):
    connection = http.client.HTTPConnection("127.0.0.1", state.port, timeout=40)
    try:
        connection.request("GET", "/", headers={"Host": host, "X-Taarafo-Door": door})
        return connection.getresponse().status
    finally:
        connection.close()


def test_only_the_gateway_leads_to_what_is_not_open(state, club):
    context, community = club
    host = host_of(community)
    gateway = context.gateway
    assert gateway.get_status(host, "/healthz", door="a") == 200
    assert gateway.get_status(host, "/healthz", door="b") in (502, 503)
    assert gateway.get_status(host, "/healthz", door="swap") in (502, 503)
    assert gateway.get_status(host, "/healthz", door="../localhost") == 200, "no slot: the open one"
    for door in ("a", "b", "swap"):
        assert get_by_tcp(state, host, door) == 200, "a visitor comes in where everybody does"
