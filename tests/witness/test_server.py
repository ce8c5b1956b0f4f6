"""The server against peers that are slow, greedy, many or strange."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.cosignature import read_cosignature
from provisioner.witness import server
from provisioner.witness.allowance import MOST_PEERS, Allowance, name_peer
from tests.witness.logs import SmallLog
from tests.witness.running import NAME, Running, cosigned, witness_here, witness_process

LOG = SmallLog()
SUBMISSION = LOG.submission(0, 5)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Running]:
    with witness_here(tmp_path, LOG) as running:
        yield running


def talk(witness: Running, sent: bytes, source: str = "127.0.0.1") -> bytes:
    """Everything that comes back until the other side hangs up."""
    address = ("127.0.0.1", witness.port)
    with socket.create_connection(address, 15, source_address=(source, 0)) as connection:
        connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
        return received


def post(body: bytes, *headers: str) -> bytes:
    lines = ["POST /add-checkpoint HTTP/1.1", "Host: w", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_the_verifier_key_and_nothing_else(witness: Running) -> None:
    answer = witness.ask("GET", "/vkey")
    assert answer.body.decode() == f"{witness.vkey}\n"
    assert answer.header["access-control-allow-origin"] == "*"
    assert "server" not in answer.header
    for path in ("/", "/key.pem", "/../key.pem", "/logs", "/vkey/", "/observations/x/latest",
                 "/observations/..%2f..%2fkey.pem/latest", "/observations//latest",
                 "/observations/x/other"):  # fmt: skip
        assert witness.ask("GET", path).status == 404
    assert witness.ask("POST", "/vkey", b"").status == 404
    assert witness.ask("GET", "/add-checkpoint").status == 404
    assert witness.ask("PUT", "/add-checkpoint", b"").status == 501
    assert witness.ask("HEAD", "/vkey").body == b""


def test_a_connection_is_kept_for_the_next_request(witness: Running) -> None:
    connection = HTTPConnection("127.0.0.1", witness.port, timeout=10)
    with contextlib.closing(connection):
        connection.connect()
        first = connection.sock
        for old, size in ((0, 3), (3, 5), (5, 9)):
            connection.request("POST", "/add-checkpoint", LOG.submission(old, size))
            note = cosigned(LOG.checkpoint(size), connection.getresponse().read())
            assert read_cosignature(note, witness.key)
            assert connection.sock is first


def test_too_large_a_request_is_not_read(witness: Running) -> None:
    assert witness.add(b"x" * (64 * 1024)).status == 400
    told = talk(witness, post(b"", "X: y").replace(b"Length: 0", b"Length: 65537"))
    assert told.startswith(b"HTTP/1.1 413 ")
    told = talk(witness, post(b"").replace(b"Length: 0", b"Length: " + b"9" * 500))
    assert told.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["", "-1", "+5", "5x", "٥", "1, 1"])
def test_a_length_that_is_none(witness: Running, length: str) -> None:
    sent = f"POST /add-checkpoint HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()
    assert talk(witness, sent).startswith(b"HTTP/1.1 411 ")


def test_pieces_of_no_told_length(witness: Running) -> None:
    sent = b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n0\r\n\r\n"
    answer = talk(witness, sent)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_body_of_a_get_is_no_second_request(witness: Running) -> None:
    inner = b"GET /vkey HTTP/1.1\r\n\r\n"
    sent = b"GET /nothing HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner
    assert talk(witness, sent).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "sent",
    [b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
     b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
     b"GET /" + b"x" * 90_000 + b" HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\nX: " + b"y" * 90_000 + b"\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_request_ends_the_connection(
    witness: Running, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    answer = talk(witness, sent)
    assert b" 200 " not in answer
    assert b"Python" not in answer
    assert witness.ask("GET", "/vkey").status == 200


def test_headers_have_an_end(witness: Running) -> None:
    """A request that never ends is cut off long before it has filled anything."""
    with (
        socket.create_connection(("127.0.0.1", witness.port), 15) as connection,
        pytest.raises(ConnectionError),
    ):
        connection.sendall(b"GET / HTTP/1.1\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 9000)


def drip(witness: Running, sent: bytes) -> bytes:
    """A byte every ten milliseconds; what came back until it was hung up on."""
    with (
        socket.create_connection(("127.0.0.1", witness.port), 15) as connection,
        contextlib.suppress(ConnectionError),
    ):
        for byte in sent:
            connection.sendall(bytes([byte]))
            time.sleep(0.01)
        return connection.recv(1000)
    return b""


def test_who_sends_slowly_is_hung_up_on(witness: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.6)
    for part in (post(SUBMISSION)[:10], post(SUBMISSION)[:-10]):
        begun = time.monotonic()
        assert drip(witness, part[:-1]) == b""
        assert time.monotonic() - begun < 3
    assert witness.add(SUBMISSION).status == 200


def test_who_reads_slowly_is_hung_up_on(
    witness: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    home = tmp_path / "observations" / "smith.example"
    home.mkdir(parents=True)
    for number in range(4):
        (home / f"{number}.note").write_bytes(b"x" * 1_000_000)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", witness.port))
        connection.sendall(b"GET /observations/smith.example/history HTTP/1.1\r\n\r\n")
        time.sleep(1.2)
        received = 0
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(1 << 20):
                received += len(chunk)
    assert received < 4_000_000


def test_many_who_say_nothing_do_not_keep_others_out(witness: Running) -> None:
    """One peer holds so many connections and no more; another one is served meanwhile."""
    with contextlib.ExitStack() as held:
        for _ in range(server.MOST_OF_ONE_PEER * 2):
            connection = held.enter_context(
                socket.create_connection(
                    ("127.0.0.1", witness.port), 5, source_address=("127.0.0.2", 0)
                )
            )
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        begun = time.monotonic()
        assert witness.add(SUBMISSION).status == 200
        assert time.monotonic() - begun < 2
        assert talk(witness, b"GET /vkey HTTP/1.1\r\n\r\n", "127.0.0.2") == b""


def test_a_crowd_is_bounded_and_passes(witness: Running) -> None:
    with contextlib.ExitStack() as held:
        for number in range(server.MOST_CONNECTIONS):
            source = (f"127.0.1.{number // 8 + 1}", 0)
            connection = socket.create_connection(("127.0.0.1", witness.port), 5, source)
            held.enter_context(connection).sendall(b"G")
        with contextlib.suppress(ConnectionError):
            assert talk(witness, b"GET /vkey HTTP/1.1\r\n\r\n") == b""
    deadline = time.monotonic() + 5
    while not talk(witness, b"GET /vkey HTTP/1.1\r\nConnection: close\r\n\r\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# -- how often -----------------------------------------------------------------------------------


def test_who_asks_very_often_is_told_so(tmp_path: Path) -> None:
    with witness_here(tmp_path, LOG, allowance=Allowance(per_second=0.001, burst=3)) as witness:
        statuses = [witness.ask("GET", "/vkey").status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert witness.add(SUBMISSION).status == 429
        other = talk(witness, b"GET /vkey HTTP/1.1\r\nConnection: close\r\n\r\n", "127.0.0.9")
        assert other.startswith(b"HTTP/1.1 200 ")


def test_an_allowance_fills_again() -> None:
    now = [0.0]
    allowance = Allowance(per_second=2, burst=3, clock=lambda: now[0])
    assert [allowance.take("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [allowance.take("192.0.2.1") for _ in range(2)] == [True, False]
    now[0] = 100
    assert [allowance.take("192.0.2.1") for _ in range(4)] == [True, True, True, False]


def test_a_household_counts_as_one() -> None:
    assert name_peer("2001:db8::1") == name_peer("2001:db8::ffff:1") != name_peer("2001:db8:1::1")
    assert name_peer("192.0.2.1") != name_peer("192.0.2.2")
    assert name_peer("fe80::1%eth0") == name_peer("fe80::2")
    assert name_peer("::ffff:192.0.2.1") != name_peer("::ffff:192.0.2.2")


def test_only_so_many_peers_are_remembered() -> None:
    allowance = Allowance(per_second=0.001, burst=1)
    assert allowance.take("10.0.0.1")
    assert not allowance.take("10.0.0.1")
    for number in range(MOST_PEERS):
        allowance.take(f"10.{1 + number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(allowance._left) == MOST_PEERS
    assert allowance.take("10.0.0.1")


@given(st.binary(max_size=200))
def test_no_path_is_too_strange(raw: bytes) -> None:
    from provisioner.witness.routes import Routes
    from provisioner.witness.shelf import Shelf

    nowhere = Path("/nonexistent")
    routes = Routes(nowhere, "vkey", None, Shelf(nowhere))  # type: ignore[arg-type]
    path = raw.decode("latin-1")
    assert routes.get(path).status == 404
    assert routes.get(f"/observations/{path}/latest").status == 404


# -- the process ---------------------------------------------------------------------------------


def test_it_ends_when_asked_and_refuses_a_second_one(tmp_path: Path) -> None:
    with witness_process(tmp_path, "--name", NAME, "--log", LOG.vkey) as witness:
        assert witness.policy == f"witness {NAME} {witness.vkey} {witness.url}"
        assert witness.add(SUBMISSION).status == 200
        with pytest.raises(AssertionError, match="did not start"), witness_process(tmp_path):
            pass
        assert witness.process
        begun = time.monotonic()
        witness.process.terminate()
        assert witness.process.wait(10) == 0
        assert time.monotonic() - begun < 3
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
