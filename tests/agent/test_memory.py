"""When every byte is read again, and who is never forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.agent.hashes import Hashes
from provisioner.agent.members import Visitor
from provisioner.agent.memory import Memory

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def remember(full_pass: datetime | None) -> Memory:
    files = Hashes(bytearray(16), bytearray(32))
    return Memory(files, {b"mark": "digest"}, {Visitor(7, 8)}, full_pass)


@pytest.mark.parametrize(
    ("full_pass", "is_asked", "is_full"),
    [
        (None, False, True),
        (NOW - timedelta(hours=1), False, False),
        (NOW - timedelta(hours=1), True, True),
        (NOW - timedelta(hours=24), False, True),
        (NOW + timedelta(seconds=1), False, True),
    ],
)
def test_every_byte_is_read_at_first_once_a_day_and_when_asked(
    full_pass: datetime | None, is_asked: bool, is_full: bool
) -> None:
    memory = remember(full_pass)
    memory.begin(NOW, is_full=is_asked)
    assert memory.full_pass == (NOW if is_full else full_pass)
    assert (memory.recall(1).known == Hashes()) == is_full
    assert (memory.programs == {}) == is_full
    assert memory.visitors == {Visitor(7, 8)}


def test_visitors_are_counted_once_and_not_without_end() -> None:
    memory = remember(NOW)
    memory.meet({Visitor(7, 8), Visitor(7, 9)})
    assert len(memory.visitors) == 2
    memory.meet({Visitor(pid, 1) for pid in range(20_000)})
    memory.meet({Visitor(pid, 2) for pid in range(20_000)})
    assert len(memory.visitors) == 20_002
