"""The fault table: what was broken, at which step, what came of it, and how many writes it lost.

`@pytest.mark.fault` on a test that breaks something for real, which tells what came of it with the
fixture `tell`; `./taarafo test --faults` runs these tests and prints what they told.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

MARK = "fault"
Row = tuple[str, str, str, int, int]
HEADS = ("fault", "at the step", "state", "writes", "lost")
Tell = Callable[..., None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """`tell(fault, step, state, writes, lost)`: writes are those that were acknowledged."""

    def tell(fault: str, step: str, state: str, writes: int, lost: int) -> None:
        record_property(MARK, (fault, str(step), str(state), writes, lost))

    return tell


class FaultTable:
    """Collects what the tests told."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._rows += [row for name, row in report.user_properties if name == MARK]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._rows:
            return
        terminalreporter.section("faults")
        rows = [HEADS, *(tuple(map(str, row)) for row in self._rows)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
        for row in rows:
            line = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
            terminalreporter.line(line.rstrip())


def pytest_configure(config: pytest.Config) -> None:
    """Registered by tests/conftest.py, when the run asks for faults alone."""
    if MARK in str(config.getoption("markexpr")):
        config.pluginmanager.register(FaultTable(), "fault-table")
