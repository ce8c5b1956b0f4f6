"""The tests' own engine answers, is alone in its network, and the door leads out."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import docker
import pytest

from tests.live.engine import read_note

pytestmark = pytest.mark.live


def test_engine_answers_and_keeps_to_its_own_folder(engine):
    with contextlib.closing(docker.DockerClient(base_url=engine.docker_host)) as client:
        assert client.info()["DockerRootDir"].startswith(str(engine.folder))


def test_tests_run_in_the_network_of_the_engine(engine):
    assert Path("/proc/self/ns/net").stat().st_ino == engine.namespace.stat().st_ino
    assert {name for _, name in socket.if_nameindex()} >= {"lo", "docker0"}


SERVE = """
import http.server, sys
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def outside(engine, tmp_path):
    """Address of a server in the machine's own network, where the run was started."""
    (tmp_path / "page").write_text("from outside")
    runner = read_note(engine.folder / "run.json").runner
    enter = ["nsenter", f"--target={runner.pid}", "--net", "--", sys.executable, "-c", SERVE]
    with subprocess.Popen(
        enter, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        yield f"127.0.0.1:{server.stdout.readline().strip()}"
        server.terminate()


def test_network_has_no_route_to_the_outside(engine, outside):
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{outside}/page", timeout=5)


def test_door_passes_requests_on(engine, outside):
    ask = http.client.HTTPConnection(engine.door.removeprefix("http://"))
    for _ in range(2):
        ask.request("GET", f"http://{outside}/page")
        assert ask.getresponse().read() == b"from outside"
    ask.request("GET", f"http://{outside}/missing")
    assert ask.getresponse().status == 404


def test_door_opens_tunnels(engine, outside):
    tunnel = http.client.HTTPConnection(engine.door.removeprefix("http://"))
    tunnel.set_tunnel(outside)
    tunnel.request("GET", "/page")
    assert tunnel.getresponse().read() == b"from outside"
