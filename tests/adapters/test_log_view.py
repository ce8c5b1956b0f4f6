"""Which checkpoint a reader goes by while a publisher puts the next one in its place."""

from __future__ import annotations

import pytest
from tuf.api.exceptions import DownloadHTTPError

from provisioner.adapters.log_view import NEXT, SERVED, LogView, find_view
from provisioner.core.tlog.entry import Entry
from provisioner.errors import OlderLog
from provisioner.models.log import LogSeen

SEEN = LogSeen("log", 1, "0" * 64, "none", {}, {})
OLD, NEW = (
    LogView((Entry("metadata", f"{version}.root.json", "0" * 64),), SEEN) for version in (1, 2)
)


class Publisher:
    """Renames `next` onto `checkpoint` after the first look."""

    def __init__(self, first: LogView | OlderLog, then: LogView | OlderLog) -> None:
        self.first, self.then = first, then
        self.asked: list[str] = []

    def look(self, name: str) -> LogView:
        self.asked.append(name)
        if name == NEXT:
            raise DownloadHTTPError("not found", 404)
        found = self.first if len(self.asked) == 1 else self.then
        if isinstance(found, OlderLog):
            raise found
        return found


@pytest.mark.parametrize("first", [OLD, OlderLog()])
def test_what_was_just_put_in_its_place_is_looked_at_again(first: LogView | OlderLog) -> None:
    publisher = Publisher(first, NEW)
    assert find_view(publisher.look, {"root": 2}) == NEW
    assert publisher.asked == [SERVED, NEXT, SERVED]


def test_what_stays_behind_is_told_as_it_is() -> None:
    assert find_view(Publisher(OLD, OLD).look, {"root": 2}) == OLD
    with pytest.raises(OlderLog):
        find_view(Publisher(OlderLog(), OlderLog()).look, {"root": 2})


def test_what_covers_everything_is_looked_at_once() -> None:
    publisher = Publisher(NEW, OLD)
    assert find_view(publisher.look, {"root": 2}) == NEW
    assert publisher.asked == [SERVED]
