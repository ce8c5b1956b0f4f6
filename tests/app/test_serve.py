"""The real process: its socket, its memory, two starts at once, and being killed."""

from __future__ import annotations

import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPException

import pytest
from app.serve import THREADS
from app.settings import Settings

from tests.app.conftest import WELCOME
from tests.app.people import photo
from tests.app.running import Connection, Running


@pytest.fixture
def running(make_settings: Callable[..., Settings]) -> Iterator[Running]:
    found = Running(make_settings())
    yield found
    if found.process.poll() is None:
        found.kill()


def forget_database(settings: Settings) -> None:
    for suffix in ("", "-wal", "-shm"):
        settings.database.with_name(settings.database.name + suffix).unlink(missing_ok=True)


def come_in(running: Running) -> None:
    running.send(f"/welcome/{WELCOME}")
    running.send("/me/first-password", password="apple tree river")


def test_the_edge_may_use_the_socket_and_nobody_may_read_the_data(make_settings):
    settings = make_settings()
    forget_database(settings)
    running = Running(settings)
    assert stat.S_IMODE(settings.socket.stat().st_mode) == 0o777
    assert stat.S_IMODE(settings.database.stat().st_mode) & 0o077 == 0
    running.kill()


def test_from_welcome_to_the_first_photo_and_a_kill_between(running: Running):
    come_in(running)
    assert running.share_photo("before the kill", photo())[0] == 303
    running.kill()
    running.start()
    status, page = running.ask("GET", "/")
    assert status == 200
    assert "before the kill" in page
    assert "large.jpg" in page
    assert running.send(f"/welcome/{WELCOME}", page="/")[0] == 303


def test_every_acknowledged_post_survives_a_kill(running: Running):
    come_in(running)
    acknowledged = []

    def share() -> None:
        for number in range(200):
            try:
                if (
                    running.send("/posts", page="/", text=f"post-{number:03}", audience="me")[0]
                    == 303
                ):
                    acknowledged.append(f"post-{number:03}")
            except (OSError, HTTPException, AssertionError):
                return

    writer = threading.Thread(target=share)
    writer.start()
    while len(acknowledged) < 10 and writer.is_alive():
        threading.Event().wait(0.05)
    running.kill()
    writer.join()
    running.start()
    page = running.ask("GET", "/")[1]
    assert len(acknowledged) >= 10
    assert all(text in page for text in acknowledged[-15:])


def test_it_stops_when_asked_without_a_word(running: Running):
    assert running.ask("GET", "/healthz")[0] == 200
    assert running.stop() == (0, "")


def test_it_stops_in_the_middle_of_a_crowd_without_a_word(running: Running):
    """Ten times, because what a signal interrupts is a matter of luck."""
    for _ in range(10):
        crowd = [threading.Thread(target=ask_until_it_ends, args=(running,)) for _ in range(4)]
        for person in crowd:
            person.start()
        threading.Event().wait(0.1)
        assert running.stop() == (0, "")
        for person in crowd:
            person.join()
        running.start()


def ask_until_it_ends(running: Running) -> None:
    with suppress(OSError, HTTPException):
        while True:
            running.ask("GET", "/healthz")


def test_a_request_under_way_is_finished_before_it_stops(running: Running):
    come_in(running)
    answers: list[int] = []
    content = photo(4000, 3000)
    sharing = threading.Thread(
        target=lambda: answers.append(running.share_photo("late", content)[0])
    )
    sharing.start()
    threading.Event().wait(0.15)
    assert running.stop()[0] == 0
    sharing.join()
    assert answers == [303]


def test_whoever_has_knocked_is_answered_before_it_stops(running: Running):
    """It is so busy that it has let nobody in when it is asked to stop; three times, for luck."""
    for _ in range(3):
        running.process.send_signal(signal.SIGSTOP)
        with ExitStack() as callers:
            lines = [callers.enter_context(knock(running)) for _ in range(40)]
            running.process.send_signal(signal.SIGTERM)
            running.process.send_signal(signal.SIGCONT)
            answers = [line.recv(65536).split(b"\r\n", 1)[0] for line in lines]
        assert answers == [b"HTTP/1.1 200 OK"] * len(lines)
        assert running.process.wait(20) == 0
        running.start()


def test_one_that_ends_by_an_error_says_so_to_whoever_starts_it_again(running: Running):
    running.kill()
    code = (
        "from app import serve, settings\n"
        "def fail(server):\n    server.stop()\n    raise RuntimeError('made to fail')\n"
        "serve._Server.serve = fail\n"
        "serve.serve(settings.read_settings())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=running.environment(), capture_output=True, timeout=20
    )
    assert ended.returncode == 1
    assert b"_let_in" not in ended.stderr


def knock(running: Running) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(20)
    line.connect(str(running.settings.socket))
    line.sendall(b"GET /healthz HTTP/1.1\r\nHost: smith.localhost\r\nConnection: close\r\n\r\n")
    return line


def test_idle_memory_stays_below_the_promise(running: Running):
    come_in(running)
    running.share_photo("a photo", photo(2000, 2000))
    for page in ("/", "/members", "/me", "/owner", "/rules"):
        running.ask("GET", page)
    assert running.memory_mb() < 45


def test_many_processes_migrate_and_order_the_owner_at_once(make_settings):
    settings = make_settings()
    forget_database(settings)
    running = Running(settings)
    try:
        jobs = [
            subprocess.Popen(
                [sys.executable, "-m", "app", "create-owner"], env=running.environment()
            )
            for _ in range(4)
        ]
        assert [job.wait(60) for job in jobs] == [0] * 4
        come_in(running)
        page = running.ask("GET", "/members")[1]
        assert page.count("looks after this community") == 1
    finally:
        running.kill()


def test_a_huge_body_from_a_stranger_is_not_taken_into_memory(running: Running):
    before = running.memory_mb()
    connection = Connection(str(running.settings.socket))
    connection.putrequest("POST", "/join/nothing")
    connection.putheader("Content-Length", str(100 * 1024 * 1024))
    connection.endheaders()
    with suppress(BrokenPipeError):  # the rest is not even read
        for _ in range(100):
            connection.send(b"x" * 1024 * 1024)
    assert connection.getresponse().status == 404
    assert running.memory_mb() < before + 10


def test_a_crowd_at_once_is_answered(running: Running):
    come_in(running)
    answers: list[int] = []
    crowd = [
        threading.Thread(target=lambda: answers.append(running.ask("GET", "/")[0]))
        for _ in range(60)
    ]
    for person in crowd:
        person.start()
    for person in crowd:
        person.join()
    assert answers == [200] * 60


def test_unknown_commands_are_named(running: Running):
    answer = running.command("dance")
    assert answer.returncode == 2
    assert "create-owner" in answer.stderr


def test_what_was_deleted_is_gone_after_a_kill_in_the_middle(running: Running):
    """The rows went, and the process was killed before the bytes did."""
    come_in(running)
    assert running.share_photo("words to be forgotten", photo())[0] == 303
    running.ask("GET", "/")
    running.kill()
    media = running.settings.media
    assert list(media.iterdir())
    db = sqlite3.connect(running.settings.database)
    db.execute("PRAGMA secure_delete=ON")
    db.execute("DELETE FROM post")
    db.execute("DELETE FROM photo")
    db.commit()
    log = running.settings.database.with_name(running.settings.database.name + "-wal")
    kept_log = log.read_bytes()
    db.close()
    log.write_bytes(kept_log)
    running.start()
    ends = time.monotonic() + 20
    while list(media.iterdir()) and time.monotonic() < ends:
        time.sleep(0.1)
    assert list(media.iterdir()) == []
    while log.stat().st_size and time.monotonic() < ends:
        time.sleep(0.1)
    assert log.stat().st_size == 0
    assert b"words to be forgotten" not in running.settings.database.read_bytes()


@pytest.mark.parametrize("path", ["/nothing", "/sign-in", "/join"])
@pytest.mark.parametrize(
    "length",
    ["Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "Content-Length: 70000\r\n\r\nhello"],
)
def test_strangers_who_send_for_ever_stop_nobody(running: Running, path: str, length: str):
    """More of them than there are threads; the edge hands on only what is longer than a form."""
    with ExitStack() as callers:
        for _ in range(3 * THREADS):
            line = callers.enter_context(socket.socket(socket.AF_UNIX))
            line.settimeout(10)
            line.connect(str(running.settings.socket))
            line.sendall(f"POST {path} HTTP/1.1\r\nHost: smith.localhost\r\n{length}".encode())
        began = time.monotonic()
        for _ in range(20):
            assert running.ask("GET", "/healthz")[0] == 200
        assert time.monotonic() - began < 5
        answer = line.recv(65536).split(b"\r\n", 1)[0]
        assert b" 404 " in answer or b" 413 " in answer
