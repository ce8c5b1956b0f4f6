"""A process that waits beside its predecessor: loaded, touching nothing, and quick when it may."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from app.settings import Settings

from tests.app.running import Running


class Waiting(Running):
    """`python3 -m app serve`, started and not waited for."""

    def start(self) -> None:
        self.launch()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.settings.socket.parent.iterdir())

    def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        ends = time.monotonic() + seconds
        while not is_so():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < ends, self.names()
            time.sleep(0.01)


@contextmanager
def waiting(settings: Settings, word: str = "wait") -> Iterator[Waiting]:
    (settings.socket.parent / word).touch()
    found = Waiting(settings)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.kill()


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


def look(settings: Settings) -> dict[str, tuple[int, int]]:
    """Size and last change of all that it keeps."""
    files = (path for path in settings.data.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_it_loads_and_touches_nothing_until_its_turn_has_come(settings: Settings) -> None:
    before = look(settings)
    with waiting(settings) as app:
        app.until(lambda: app.names() == ["ready"])
        time.sleep(0.3)
        assert app.names() == ["ready"], "neither a socket nor anything else"
        assert look(settings) == before
        door = settings.socket.parent
        (door / "ready").rename(door / "begin")
        app.until(lambda: app.get_or_none("/healthz") == 200)
        assert app.names() == ["http.sock"]
        assert app.stop()[0] == 0


def test_one_whose_turn_came_before_it_started_waits_for_nobody(settings: Settings) -> None:
    with waiting(settings, "begin") as app:
        app.until(lambda: app.get_or_none("/healthz") == 200)
        assert app.names() == ["http.sock"]


def test_one_that_is_killed_while_it_waits_waits_again(settings: Settings) -> None:
    with waiting(settings) as app:
        app.until(lambda: app.names() == ["ready"])
        app.kill()
        app.start()
        time.sleep(1)
        assert app.names() == ["ready"]
        assert app.process.poll() is None


def test_it_says_that_its_data_is_in_order_only_when_it_is(settings: Settings) -> None:
    """A database that cannot be opened: the word stays, so whoever gave the turn sees it."""
    settings.database.unlink()
    settings.database.mkdir()
    with waiting(settings, "begin") as app:
        assert app.process.wait(30) != 0
        assert app.names() == ["begin"]


def test_it_ends_at_once_when_it_is_told_to_while_it_waits(settings: Settings) -> None:
    with waiting(settings) as app:
        app.until(lambda: app.names() == ["ready"])
        began = time.monotonic()
        app.process.send_signal(signal.SIGTERM)
        assert app.process.wait(10) == 0
        assert time.monotonic() - began < 1
